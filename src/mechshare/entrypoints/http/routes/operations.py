"""/health and /.well-known/jwks.json; the operations listener has the details of /health, and /metrics."""

from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.services.maintenance.health import readiness

Req = Request[Any, Any, Any]
TAG = Tag("operations", "For operators")


class HealthResponse(Struct):
    """`status` is alive, ready, degraded (a dependency that is not essential is down), unavailable or stopping."""

    status: str


@published("KeySet")
class KeySetResponse(Struct):
    keys: list[dict[str, str]]


@get("/health/live", include_in_schema=False)
async def get_live(request: Req) -> Response[HealthResponse]:
    return resource(request, HealthResponse("alive"), cache="no-store")


class Purpose(StrEnum):
    UPLOADS = "uploads"


@get("/health/ready", include_in_schema=False)
async def get_ready(
    request: Req,
    purpose: Annotated[
        Purpose | None,
        QueryParameter(name="for", description="also require the blob store and room on the disk: uploads"),
    ] = None,
) -> Response[HealthResponse]:
    """Returns 503 if an essential dependency is down (the database; with `for=uploads` also the blob store and room
    on the disk) or during shutdown. The operations listener says which one."""
    checks = await application_of(request).health.check(uploads=purpose is Purpose.UPLOADS)
    status, is_ready = readiness(checks, is_stopping=request.app.state.shutdown.has_begun)
    return resource(request, HealthResponse(status), status=200 if is_ready else 503, cache="no-store")


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
    route_handlers=[get_live, get_ready, get_keys, get_keys_below_api],
)
