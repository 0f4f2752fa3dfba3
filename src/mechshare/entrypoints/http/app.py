"""Builds the ASGI application from routes, error handlers and middleware."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import structlog
from litestar import Litestar, Router
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from mechshare import settings
from mechshare.application import Application
from mechshare.bootstrap.application import build
from mechshare.domain.errors import DomainException, Unavailable
from mechshare.entrypoints.http.listener import bound_slow_readers
from mechshare.entrypoints.http.middleware.compression import CompressionMiddleware
from mechshare.entrypoints.http.middleware.concurrency import ConcurrencyLimitMiddleware
from mechshare.entrypoints.http.middleware.cors import CorsMiddleware
from mechshare.entrypoints.http.middleware.methods import MethodsMiddleware
from mechshare.entrypoints.http.middleware.public_media import PublicMediaMiddleware
from mechshare.entrypoints.http.middleware.public_url import PublicUrlMiddleware
from mechshare.entrypoints.http.middleware.rate_limit import RateLimitMiddleware
from mechshare.entrypoints.http.middleware.repeated_requests import RepeatedRequestsMiddleware
from mechshare.entrypoints.http.middleware.request_context import (
    LogContextMiddleware,
    RequestContextMiddleware,
)
from mechshare.entrypoints.http.middleware.request_limits import RequestLimitsMiddleware
from mechshare.entrypoints.http.middleware.response_cache import ResponseCacheMiddleware
from mechshare.entrypoints.http.middleware.sign_in_required import SignInRequiredMiddleware
from mechshare.entrypoints.http.middleware.tus import TusMiddleware
from mechshare.entrypoints.http.middleware.unread_body import UnreadBodyMiddleware
from mechshare.entrypoints.http.parent_process import end_with_parent
from mechshare.entrypoints.http.protocol import errors
from mechshare.entrypoints.http.protocol.auth import note_denial
from mechshare.entrypoints.http.protocol.client_address import ClientAddresses
from mechshare.entrypoints.http.protocol.idempotency import replayed
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.openapi import openapi_config
from mechshare.entrypoints.http.protocol.page_headers import secure_page
from mechshare.entrypoints.http.protocol.pagination import require_integers
from mechshare.entrypoints.http.protocol.published_document import document_router, publish_document
from mechshare.entrypoints.http.public_reads.reads import PublicReads
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.entrypoints.http.routes import (
    account_exports,
    attachments,
    audit,
    categories,
    citations,
    collections,
    comments,
    evidence,
    follows,
    groups,
    invitations,
    lineage,
    main_files,
    marks,
    mechanisms,
    media,
    motion_searches,
    notifications,
    operations,
    personal_access_tokens,
    processing,
    registrations,
    reliability,
    reports,
    resumable_uploads,
    revisions,
    schema_assets,
    search,
    sessions,
    shares,
    similar,
    statistics,
    thumbnails,
    uploads,
    users,
    webhooks,
)
from mechshare.entrypoints.http.shutdown import Shutdown, graceful_shutdown
from mechshare.entrypoints.logs import configure_logging
from mechshare.entrypoints.startup import prepare, prepare_when_available, private_files
from mechshare.entrypoints.web.error_pages import ErrorPagesMiddleware
from mechshare.entrypoints.web.session_cookies import SessionCookieMiddleware
from mechshare.entrypoints.web.site import site_router
from mechshare.entrypoints.worker.loop import work, write_last_visits
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.services.support.idempotency import ReplayedResponse

_log = structlog.get_logger("mechshare.http")
_TAGGED = (
    *(
        sessions,
        personal_access_tokens,
        users,
        mechanisms,
        resumable_uploads,
        processing,
        media,
        reliability,
        evidence,
        lineage,
        similar,
        marks,
        comments,
        notifications,
        webhooks,
        statistics,
        collections,
        follows,
        attachments,
        revisions,
        citations,
        shares,
    ),
    *(groups, categories, search, reports, invitations, registrations, audit, operations),
)
"""In the order of their tags in the OpenAPI document."""
_STREAMS = (processing.EVENTS_PATH, notifications.EVENTS_PATH)
_SHORT_BODY = 1024 * 1024
_COLLECTED_AFTER = (20_000, 20, 20)
"""Thresholds for `gc.set_threshold`. Reference counting frees what a response allocates; at the default thresholds the
collector takes 5% of the time."""


def create() -> ASGIApp:
    """Builds the application from the environment; each server process calls it once."""
    private_files()
    end_with_parent()
    chosen = settings.load(os.environ)
    configure_logging(chosen)
    return build_app(build(chosen, LoggingObserver()), owns_process=True)


def build_app(
    application: Application, *, owns_process: bool = False, routes: Litestar | None = None
) -> ASGIApp:
    """Returns the ASGI application over `application`; during its lifespan it also runs jobs.

    With `owns_process`, it handles SIGTERM: it finishes the requests under way before the process ends. `routes` from
    `build_routes` for the same public URL spare their building; no other running application may use them.
    """
    shutdown = Shutdown()
    chosen = application.settings
    app = routes or build_routes(chosen.public_url)
    app.state.application = application
    app.state.shutdown = shutdown
    app.state.owns_process = owns_process
    if owns_process:
        publish_document(app)
    reads = PublicReads(application)
    app.state.public_reads = reads
    application.statistics.on_recount(reads.renew)
    layers: HttpApp = ResponseCacheMiddleware(
        LogContextMiddleware(app), application.authentication, application.statistics, reads
    )
    layers = PublicMediaMiddleware(layers, application)
    if chosen.anonymous == "none":
        layers = SignInRequiredMiddleware(layers, application.authentication)
    layers = SessionCookieMiddleware(layers, application)
    addresses = ClientAddresses(chosen.trusted_proxies)
    if application.rate_limits.is_limited:
        layers = ConcurrencyLimitMiddleware(layers, addresses, _STREAMS)
        layers = RateLimitMiddleware(layers, application)
    layers = ErrorPagesMiddleware(layers, app)
    layers = MethodsMiddleware(CompressionMiddleware(layers))
    layers = TusMiddleware(layers, chosen.max_upload_bytes)
    if chosen.cors_origins:
        layers = CorsMiddleware(layers, chosen.cors_origins)
    if chosen.public_url:
        layers = PublicUrlMiddleware(layers, chosen.public_url)
    layers = RequestContextMiddleware(RequestLimitsMiddleware(layers), shutdown, addresses)
    layers = RepeatedRequestsMiddleware(layers, application, shutdown, addresses)
    return UnreadBodyMiddleware(layers, lifespan=app)


def build_routes(public_url: str) -> Litestar:
    """Returns all routes and pages, under `public_url`, for `build_app`. Takes some 0.3 s of CPU."""
    return Litestar(
        route_handlers=[
            sessions.router,
            personal_access_tokens.router,
            users.router,
            # One router: two routers would both handle OPTIONS at the same path.
            Router(
                MECHANISMS_PATH,
                tags=[mechanisms.TAG.name],
                route_handlers=[*uploads.handlers, *mechanisms.handlers],
            ),
            mechanisms.of_user_router,
            resumable_uploads.router,
            processing.router,
            thumbnails.router,
            media.router,
            reliability.router,
            evidence.router,
            lineage.router,
            similar.router,
            marks.router,
            account_exports.router,
            comments.router,
            notifications.router,
            webhooks.router,
            statistics.router,
            collections.router,
            collections.of_users_router,
            follows.router,
            attachments.router,
            revisions.router,
            main_files.router,
            citations.router,
            shares.router,
            groups.router,
            categories.router,
            search.router,
            motion_searches.router,
            reports.router,
            invitations.router,
            registrations.router,
            audit.router,
            operations.router,
            schema_assets.router,
            site_router,
        ],
        exception_handlers={
            DomainException: errors.domain_error_response,
            HTTPException: errors.framework_error_response,
            ReplayedResponse: replayed,
            Exception: errors.unexpected_error_response,
        },
        before_request=require_integers,
        after_request=secure_page,
        after_exception=[note_denial],
        lifespan=[_running],
        logging_config=None,
        openapi_config=openapi_config([module.TAG for module in _TAGGED], document_router(), public_url),
        request_max_body_size=_SHORT_BODY,
    )


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    application: Application = app.state.application
    shutdown: Shutdown = app.state.shutdown
    owns_process: bool = app.state.owns_process
    background = await _prepare(application)
    if owns_process:
        background.append(asyncio.create_task(bound_slow_readers()))
    shutdown.reset()
    slots = application.settings.job_slots
    working = asyncio.create_task(work(application, slots=slots, stop=shutdown.event))
    if owns_process:
        _settle_garbage_collector()
    try:
        with graceful_shutdown(shutdown) if owns_process else nullcontext():
            yield
    finally:
        shutdown.begin()
        for task in background:
            task.cancel()
        await working
        await write_last_visits(application)
        await application.close()


async def _prepare(application: Application) -> list[asyncio.Task[None]]:
    """Prepares the application; without the database, returns a task that retries while requests get 503."""
    try:
        await prepare(application)
    except Unavailable as down:
        _log.warning("dependency_unavailable", problem=down.message)
        return [asyncio.create_task(prepare_when_available(application))]
    return []


def _settle_garbage_collector() -> None:
    """Excludes the objects of start-up, which live as long as the process, from garbage collection (`gc.freeze`)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
