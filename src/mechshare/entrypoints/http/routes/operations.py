"""/health, /metrics, /.well-known/jwks.json"""

import os
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import QueryParameter
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mechshare.domain.errors import Unavailable
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.metrics import backlog_metrics
from mechshare.services.maintenance.health import Check

Req = Request[Any, Any, Any]
TAG = Tag("operations", "For those who run an installation")


class LivenessResponse(Struct):
    status: str


class ReadinessResponse(Struct):
    """`status` is ready, degraded (a dependency that is not essential is down), unavailable or stopping."""

    status: str
    checks: list[Check]


@published("KeySet")
class KeySetResponse(Struct):
    keys: list[dict[str, str]]


@get("/health/live", include_in_schema=False)
async def get_live(request: Req) -> Response[LivenessResponse]:
    return resource(request, LivenessResponse("alive"), cache="no-store")


class Purpose(StrEnum):
    UPLOADS = "uploads"


@get("/health/ready", include_in_schema=False)
async def get_ready(
    request: Req,
    purpose: Annotated[
        Purpose | None, QueryParameter(name="for", description="what else has to work: uploads")
    ] = None,
) -> Response[ReadinessResponse]:
    """Returns 503 if an essential dependency is down (the database; with `for=uploads` also the blob store) or during
    shutdown."""
    checks = list(await application_of(request).health.check(uploads=purpose is Purpose.UPLOADS))
    status = "ready" if all(check.is_up for check in checks) else "degraded"
    if any(check.is_essential and not check.is_up for check in checks):
        status = "unavailable"
    if request.app.state.shutdown.has_begun:
        status = "stopping"
    code = 503 if status in ("unavailable", "stopping") else 200
    return resource(request, ReadinessResponse(status, checks), status=code, cache="no-store")


@get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
async def get_metrics(request: Req) -> Response[bytes]:
    """Returns the metrics of all server processes, with the backlog of the job ledger if the database is available."""
    try:
        backlog = await application_of(request).jobs.find_backlog()
    except Unavailable:
        backlog = None
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    headers = {"Cache-Control": "no-store"}
    exposition = generate_latest(registry) + backlog_metrics(backlog, datetime.now(UTC))
    return Response(exposition, media_type=CONTENT_TYPE_LATEST, headers=headers)


@get("/.well-known/jwks.json", operation_id="getKeySet", summary="Read the keys that verify access tokens")
async def get_keys(request: Req) -> Response[KeySetResponse]:
    """Returns the JSON Web Key Set (RFC 7517); empty if tokens are signed with a shared secret."""
    return _key_set(request)


@get("/api/v1/.well-known/jwks.json", include_in_schema=False)
async def get_keys_below_api(request: Req) -> Response[KeySetResponse]:
    """Returns the same key set, below the path of the API."""
    return _key_set(request)


def _key_set(request: Req) -> Response[Any]:
    keys = application_of(request).authentication.public_keys()
    return resource(request, KeySetResponse(keys), cache="public, max-age=300")


router = Router(
    "/",
    tags=[TAG.name],
    route_handlers=[get_live, get_ready, get_metrics, get_keys, get_keys_below_api],
)
