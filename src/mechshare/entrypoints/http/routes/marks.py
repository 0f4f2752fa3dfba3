"""/mechanisms/{id}/marks and /users/me/bookmarks"""

from typing import Any

from litestar import Request, Response, Router, delete, get, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict
from mechshare.domain.marks import MarkKind, Marks
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("marks", "Likes and bookmarks")


@published("Marks")
class MarksResponse(Struct):
    """How many users like the mechanism, and whether the caller does and has bookmarked it."""

    likes: int
    liked: bool
    bookmarked: bool


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/marks",
    operation_id="getMarks",
    summary="Count the likes",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_marks(request: Req, mechanism_id: FromPath[str]) -> Response[MarksResponse]:
    """Returns the number of likes and the caller's own marks."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.marks.find(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return resource(request, _response(found))


@put(
    MECHANISMS_PATH + "/{mechanism_id:str}/marks/{kind:str}",
    guards=[require_permissions()],
    operation_id="addMark",
    summary="Like or bookmark a mechanism",
    opt=refuses(Conflict),
)
async def add_mark(
    request: Req, mechanism_id: FromPath[str], kind: FromPath[MarkKind]
) -> Response[MarksResponse]:
    """Adds the caller's mark; a repetition changes nothing."""
    await refuse_body(request)
    marked = await application_of(request).marks.add(actor_of(request), mechanism_id_in(mechanism_id), kind)
    return resource(request, _response(marked))


@delete(
    MECHANISMS_PATH + "/{mechanism_id:str}/marks/{kind:str}",
    guards=[require_permissions()],
    status_code=200,
    operation_id="removeMark",
    summary="Take back a like or bookmark",
)
async def remove_mark(
    request: Req, mechanism_id: FromPath[str], kind: FromPath[MarkKind]
) -> Response[MarksResponse]:
    """Removes the caller's mark; a repetition changes nothing."""
    left = await application_of(request).marks.remove(actor_of(request), mechanism_id_in(mechanism_id), kind)
    return resource(request, _response(left))


@get(
    USERS_PATH + "/me/bookmarks",
    guards=[require_permissions()],
    operation_id="listBookmarks",
    summary="List one's bookmarks",
    responses=NOT_MODIFIED,
)
async def find_bookmarked(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[MechanismResponse]]:
    """Returns what the caller has bookmarked, the newest bookmark first. A page lacks what the caller may not see at
    present, which `total` counts."""
    actor, application = actor_of(request), application_of(request)
    found = await application.marks.find_bookmarked(
        actor, page_request(page, limit, cursor, conditions="bookmarks")
    )
    addresses = media_addresses(application)
    items = [mechanism_response(item, addresses) for item in found.items]
    return list_resource(request, page_response(found, items, conditions="bookmarks"))


def _response(marks: Marks) -> MarksResponse:
    return MarksResponse(
        likes=marks.likes, liked=MarkKind.LIKE in marks.own, bookmarked=MarkKind.BOOKMARK in marks.own
    )


router = Router("/", tags=[TAG.name], route_handlers=[get_marks, add_mark, remove_mark, find_bookmarked])
