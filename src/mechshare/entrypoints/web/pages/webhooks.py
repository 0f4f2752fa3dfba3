"""The page on which users create, test and delete webhooks, and read how their deliveries went."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.routes.webhooks import webhook_id_in
from mechshare.entrypoints.web.forms import Saved, form_fields, see_other
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
_PATH = "/settings/webhooks"
_SHOWN = 10
"""Deliveries of each webhook that the page shows."""


@get(_PATH, guards=[require_permissions()])
async def show_webhooks(request: Req, saved: Saved = "") -> Response[str]:
    return await _webhooks(request, saved=saved)


@post(_PATH, status_code=200, guards=[require_permissions()])
async def create_webhook(request: Req) -> Response[Any]:
    """Creates a webhook and shows its secret in the response itself, since no other page may contain it."""
    url = (await form_fields(request)).text("url")
    webhooks, metadata = application_of(request).webhooks, request_metadata_of(request)
    try:
        webhook = await webhooks.create(actor_of(request), url, metadata)
    except DomainException as error:
        return await _webhooks(request, error, url=url)
    return await _webhooks(request, secret=webhook.secret)


@post(
    _PATH + "/{webhook_id:str}/test",
    status_code=200,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.RETRIES),
)
async def test_webhook(request: Req, webhook_id: FromPath[str]) -> Response[Any]:
    webhooks, request_id = application_of(request).webhooks, request_metadata_of(request).request_id
    await webhooks.send_test(actor_of(request), webhook_id_in(webhook_id), request_id)
    return see_other(f"{_PATH}?saved=tested")


@post(_PATH + "/{webhook_id:str}/delete", status_code=200, guards=[require_permissions()])
async def delete_webhook(request: Req, webhook_id: FromPath[str]) -> Response[Any]:
    webhooks, metadata = application_of(request).webhooks, request_metadata_of(request)
    await webhooks.delete(actor_of(request), webhook_id_in(webhook_id), metadata)
    return see_other(f"{_PATH}?saved=deleted")


async def _webhooks(
    request: Req,
    error: DomainException | None = None,
    *,
    url: str = "",
    secret: str = "",
    saved: str = "",
) -> Response[str]:
    """Returns the page; after a refused form with its message and the address that was typed."""
    webhooks, actor = application_of(request).webhooks, actor_of(request)
    found = [(one, await webhooks.find_deliveries(actor, one.id)) for one in await webhooks.find(actor)]
    return await page(
        request,
        "webhooks.html",
        status=status_of(error) if error else 200,
        webhooks=[{"webhook": one, "deliveries": deliveries[:_SHOWN]} for one, deliveries in found],
        typed=url,
        secret=secret,
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


router = Router("/", route_handlers=[show_webhooks, create_webhook, test_webhook, delete_webhook])
