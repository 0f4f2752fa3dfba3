"""/search"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import QueryParameter

from mechshare.domain.errors import Invalid
from mechshare.domain.ids import UserId
from mechshare.domain.mechanism_filters import CategoryMatch, search_filter
from mechshare.domain.mechanisms import MAX_DURATION
from mechshare.domain.pagination import PageRequest
from mechshare.domain.search import MAX_QUERY_LENGTH, SearchSort
from mechshare.domain.users import Actor
from mechshare.entrypoints.http.protocol.auth import application_of, limits, valid_viewer_of, viewer_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.protocol.pagination import Cursor, Limit, PageNumber, next_link, page_request
from mechshare.entrypoints.http.protocol.responses import NO_STORE, PRIVATE, json_response, public_response
from mechshare.entrypoints.http.public_reads.keys import SearchKey, SuggestionsKey
from mechshare.entrypoints.http.public_reads.reads import public_reads_of, read_suggestions
from mechshare.entrypoints.http.representations.mechanism_fields import (
    ByUser,
    Categories,
    CategoryMatching,
    Licenses,
    Loops,
    MotionOf,
    PeriodMax,
    PeriodMin,
    ReliabilityMin,
    has_lasting_meaning,
    in_categories,
    is_filter_parameter,
    stated_filter,
)
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.http.representations.search import (
    SearchResponse,
    SuggestionsResponse,
    found_hits,
    search_response,
)
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
TAG = Tag("search", "Finding mechanisms, in Japanese and English")
Text = Annotated[
    str,
    QueryParameter(
        name="q", max_length=MAX_QUERY_LENGTH, description="Words that must all match; 歯車, gear."
    ),
]
Author = Annotated[
    str, QueryParameter(name="author", max_length=64, description="The author's user name, in any case.")
]
Moment = datetime | None
CreatedFrom = Annotated[Moment, QueryParameter(name="created_from", description="Included; RFC 3339.")]
CreatedBefore = Annotated[
    Moment, QueryParameter(name="created_before", description="Not included; RFC 3339.")
]
DurationMin = Annotated[
    float | None,
    QueryParameter(name="duration_min", ge=0, le=MAX_DURATION, description="Seconds, included."),
]
DurationMax = Annotated[
    float | None,
    QueryParameter(
        name="duration_max",
        ge=0,
        le=MAX_DURATION,
        description="Seconds, included. What does not move has no duration.",
    ),
]
MAX_SUGGESTIONS = 20
_PARAMETERS = (
    *("author", "created_before", "created_from", "duration_max", "duration_min"),
    *("limit", "q", "sort"),
)


@get(
    "/mechanisms",
    operation_id="searchMechanisms",
    before_request=limits(CostlyOperation.SEARCHES),
    summary="Search mechanisms",
    responses=NOT_MODIFIED,
    opt={**OPTIONAL_TOKEN, **refuses(Invalid)},
)
async def search_mechanisms(
    request: Req,
    q: Text = "",
    category: Categories = None,
    category_match: CategoryMatching = CategoryMatch.ANY,
    user_id: ByUser = None,
    author: Author = "",
    created_from: CreatedFrom = None,
    created_before: CreatedBefore = None,
    duration_min: DurationMin = None,
    duration_max: DurationMax = None,
    period_min: PeriodMin = None,
    period_max: PeriodMax = None,
    motion: MotionOf = None,
    loops: Loops = None,
    reliability_min: ReliabilityMin = None,
    license: Licenses = None,
    sort: Annotated[SearchSort, QueryParameter(name="sort")] = SearchSort.RELEVANCE,
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[SearchResponse]:
    """Searches published mechanisms that the caller may see, best match first by default; without `q`, all match.

    With `user_id`, that user and admins also find the unpublished mechanisms of the user. Nobody finds unlisted ones.
    """
    viewer = await viewer_of(request)
    within = search_filter(
        created_from,
        created_before,
        duration_min,
        duration_max,
        period_min=period_min,
        period_max=period_max,
        motion=motion,
        loops=loops,
        stated=stated_filter(request, reliability_min, license),
    )
    key = SearchKey(
        path=request.scope["path"],
        query=tuple(item for item in request.query_params.multi_items() if _is_repeated(item[0])),
        text=q,
        user_id=UserId(user_id) if user_id is not None else None,
        author=author,
        within=await in_categories(request, within, category or (), category_match),
        sort=sort,
        request=PageRequest(),
    )
    key = replace(key, request=page_request(page, limit, cursor, sort.order, key.conditions))
    if viewer is not None:
        return await _search_for(request, viewer, key)
    found = await public_reads_of(request).search(key)
    is_remembered = key.user_id is None and has_lasting_meaning(request)
    return public_response(request, found, key if is_remembered else None)


def _is_repeated(name: str) -> bool:
    """Whether the link to the next page has this parameter, too."""
    return name in _PARAMETERS or is_filter_parameter(name)


async def _search_for(request: Req, viewer: Actor, key: SearchKey) -> Response[SearchResponse]:
    application = application_of(request)
    found = await application.search.search(
        viewer,
        key.text,
        user_id=key.user_id,
        author=key.author,
        within=key.within,
        sort=key.sort,
        page=key.request.page,
        limit=key.request.limit,
        after=key.request.after,
    )
    items = found_hits(found, media_addresses(application))
    content = search_response(found, items, key.sort, key.conditions)
    body = msgspec.json.encode(content)
    link = next_link(key.path, key.query, content.next)
    return json_response(
        request,
        body,
        etag=etag_of(body),
        cache=NO_STORE if found.degraded else PRIVATE,
        headers={"Link": link} if link else None,
    )


@get(
    "/suggest",
    operation_id="suggestTitles",
    before_request=limits(CostlyOperation.SEARCHES),
    summary="Suggest titles",
    responses=NOT_MODIFIED,
    opt={**OPTIONAL_TOKEN, **refuses(Invalid)},
)
async def suggest(
    request: Req,
    q: Text = "",
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_SUGGESTIONS)] = 10,
) -> Response[SuggestionsResponse]:
    """Returns titles of published mechanisms that the caller may see, with a word that begins with `q`, and categories,
    authors and terms."""
    key = SuggestionsKey(text=q, limit=limit)
    viewer = await valid_viewer_of(request)
    if viewer is None:
        found = await public_reads_of(request).suggestions(key)
        return public_response(request, found, key)
    found = await read_suggestions(application_of(request), viewer, key)
    return json_response(
        request, found.body, etag=found.etag.decode(), cache=PRIVATE if found.is_cacheable else NO_STORE
    )


router = Router("/api/v1/search", tags=[TAG.name], route_handlers=[search_mechanisms, suggest])
