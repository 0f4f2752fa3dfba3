"""/search/by-motion"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from mechshare.domain.errors import Invalid, NotFound, OutOfSpace, TooLarge, UnsupportedMedia
from mechshare.domain.motion_searches import MotionSearch
from mechshare.entrypoints.http.new_motion_searches import search_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits_of_user,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.identifiers import motion_search_id_in
from mechshare.entrypoints.http.protocol.openapi import ACCEPTS_IDEMPOTENCY_KEY, LOCATION, form_of, refuses
from mechshare.entrypoints.http.protocol.responses import NO_STORE, json_response
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    ProcessingResponse,
    media_addresses,
    processing_response,
)
from mechshare.entrypoints.http.representations.motions import MotionResponse, motion_response
from mechshare.entrypoints.http.representations.similar import SimilarResponse, similar_response
from mechshare.services.motion_searches import FoundByMotion
from mechshare.services.motions import MAX_SIMILAR
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
SEARCHES_PATH = "/api/v1/search/by-motion"


@published("NewMotionSearch")
class NewMotionSearch(Struct, forbid_unknown_fields=True):
    """A form with nothing but the clip, its part `file`."""


@published("MotionSearch")
class MotionSearchResponse(Struct):
    """A search by a clip, which is deleted once its analysis has ended; `processing` says whether it has.

    `motion` is how the clip moves, null until then and where that can't be analysed. `items` are the mechanisms that
    move alike, most alike first. The search is deleted at `expires_at`.
    """

    id: str
    processing: ProcessingResponse
    motion: MotionResponse | None
    items: list[SimilarResponse]
    created_at: datetime
    expires_at: datetime


@post(
    "/",
    guards=[require_permissions("mechanisms:create")],
    operation_class=form_of(NewMotionSearch),
    request_max_body_size=None,
    status_code=202,
    operation_id="searchByMotion",
    before_request=limits_of_user(CostlyOperation.UPLOADS),
    summary="Search by the motion of a clip",
    opt={
        **ACCEPTS_IDEMPOTENCY_KEY,
        LOCATION: SEARCHES_PATH,
        **refuses(Invalid, TooLarge, UnsupportedMedia, OutOfSpace),
    },
)
async def search_by_motion(request: Req) -> Response[MotionSearchResponse]:
    """Accepts a multipart form with a clip as `file`, and starts to analyse how it moves. The clip is not kept.

    Location is the address of what the search finds.
    """
    search = await search_from_form(request, lambda begun: _shown(request, _nothing_yet(begun)))
    return _response(request, _nothing_yet(search), 202)


@get(
    "/{search_id:str}",
    guards=[require_permissions()],
    operation_id="getSearchByMotion",
    summary="What a search by motion found",
    opt=refuses(NotFound),
)
async def get_search_by_motion(
    request: Req,
    search_id: FromPath[str],
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_SIMILAR)] = 12,
) -> Response[MotionSearchResponse]:
    """Returns the search of the caller, with the mechanisms that the caller may find now."""
    found = await application_of(request).motion_searches.find(
        actor_of(request), motion_search_id_in(search_id), limit
    )
    return _response(request, found, 200)


def _nothing_yet(search: MotionSearch) -> FoundByMotion:
    return FoundByMotion(search=search, similar=())


def _response(request: Req, found: FoundByMotion, status: int) -> Response[Any]:
    body = msgspec.json.encode(_shown(request, found))
    headers = {"Location": f"{SEARCHES_PATH}/{found.search.id}"} if status == 202 else {}
    return json_response(request, body, etag=etag_of(body), status=status, cache=NO_STORE, headers=headers)


def _shown(request: Req, found: FoundByMotion) -> MotionSearchResponse:
    search = found.search
    return MotionSearchResponse(
        id=search.id,
        processing=processing_response(search.processing),
        motion=motion_response(search.motion),
        items=similar_response(found.similar, media_addresses(application_of(request))),
        created_at=search.created_at,
        expires_at=search.expires_at,
    )


router = Router(SEARCHES_PATH, tags=["search"], route_handlers=[search_by_motion, get_search_by_motion])
