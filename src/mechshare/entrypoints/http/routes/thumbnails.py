"""/mechanisms/{id}/thumbnail and /mechanisms/{id}/thumbnail/picture"""

from typing import Annotated, Any

from litestar import Request, Response, Router, delete, put
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid, OutOfSpace, Stale
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.new_thumbnails import choose_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    limits_of_user,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import body_of, documented, form_of, refuses
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


@published("NewThumbnail")
class NewThumbnail(Struct):
    """A form whose `file` is the picture: JPEG, PNG or WebP."""


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

    `thumbnail_url` is the present thumbnail until the new one is drawn. A picture that was sent for it is deleted.
    """
    choice = await decoded_body(request, ThumbnailChoice)
    item = await application_of(request).thumbnails.choose_thumbnail(
        actor_of(request), MechanismId(mechanism_id), choice.thumbnail_at, request_metadata_of(request)
    )
    return mechanism_resource(request, item, status=202)


@put(
    "/thumbnail/picture",
    guards=[require_permissions()],
    status_code=202,
    operation_id="sendThumbnail",
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
    summary="Send a picture for the thumbnail",
    opt=refuses(Forbidden, Invalid, Conflict, Stale, OutOfSpace),
    operation_class=form_of(NewThumbnail),
)
async def send_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Accepts a multipart form with a picture as `file` and draws the thumbnail of any kind of mechanism from it.

    `thumbnail_url` is the present thumbnail until the new one is drawn. If the picture can't be read,
    `media.thumbnail_failure` then says why. Choosing a moment, or a DELETE, ends the use of the picture.
    """
    item = await choose_from_form(request, mechanism_id_in(mechanism_id))
    return mechanism_resource(request, item, status=202)


@delete(
    "/thumbnail/picture",
    guards=[require_permissions()],
    status_code=202,
    operation_id="removeSentThumbnail",
    before_request=limits_of_user(CostlyOperation.RETRIES),
    summary="Remove the picture that was sent for the thumbnail",
    opt=refuses(Forbidden, Conflict, Stale),
)
async def remove_sent_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Deletes the picture and draws the thumbnail again, at the moment that was chosen before it, or as mechshare
    chooses."""
    item = await application_of(request).thumbnails.remove_own_thumbnail(
        actor_of(request), mechanism_id_in(mechanism_id), request_metadata_of(request)
    )
    return mechanism_resource(request, item, status=202)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=["processing"],
    route_handlers=[choose_thumbnail, send_thumbnail, remove_sent_thumbnail],
)
