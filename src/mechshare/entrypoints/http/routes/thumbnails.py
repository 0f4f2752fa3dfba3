"""/mechanisms/{id}/thumbnail"""

from typing import Annotated, Any

from litestar import Request, Response, Router, put
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid, Stale
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits_of_user,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.openapi import body_of, documented, refuses
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]


@published("ThumbnailChoice")
class ThumbnailChoice(Struct, forbid_unknown_fields=True):
    """`thumbnail_at` is the moment to show, in seconds from the start; null leaves the choice to mechshare."""

    thumbnail_at: Annotated[float, documented(minimum=0)] | None


@put(
    "/thumbnail",
    guards=[require_permissions()],
    status_code=202,
    operation_id="chooseThumbnail",
    before_request=limits_of_user(CostlyOperation.RETRIES),
    summary="Choose the thumbnail",
    opt=refuses(Forbidden, Invalid, Conflict, Stale),
    operation_class=body_of(ThumbnailChoice, example={"thumbnail_at": 0.4}),
)
async def choose_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Draws the thumbnail again, at the moment that the author chooses.

    `thumbnail_url` is the present thumbnail until the new one is drawn.
    """
    choice = await decoded_body(request, ThumbnailChoice)
    item = await application_of(request).thumbnails.choose_thumbnail(
        actor_of(request), MechanismId(mechanism_id), choice.thumbnail_at, request_metadata_of(request)
    )
    return mechanism_resource(request, item, status=202)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}", tags=["processing"], route_handlers=[choose_thumbnail]
)
