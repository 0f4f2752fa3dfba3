"""/search"""

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.application import Application
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.media_links import MediaLinks
from mechshare.domain.pagination import DEFAULT_LIMIT
from mechshare.domain.policy import Viewer, sees_unpublished_of
from mechshare.domain.search import MAX_HIT_OFFSET, MAX_QUERY_LENGTH, FoundMechanism, SearchPage, SearchSort
from mechshare.entrypoints.http.middleware.response_cache import cached_response
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN
from mechshare.entrypoints.http.protocol.pagination import Limit, PageNumber, refuse_depth
from mechshare.entrypoints.http.protocol.responses import UNKEPT, answer, cached_entry, etag_of
from mechshare.entrypoints.http.representations.mechanisms import MechanismResponse, mechanism_response
from mechshare.entrypoints.http.routes.mechanisms import ByUser, Categories

Req = Request[Any, Any, Any]
Text = Annotated[
    str,
    QueryParameter(
        name="q", max_length=MAX_QUERY_LENGTH, description="Words that must all match; 歯車, gear."
    ),
]
MAX_SUGGESTIONS = 20


class Piece(Struct):
    """A piece of a highlighted text."""

    text: str
    is_match: bool


class SearchHitResponse(Struct):
    """`highlights` holds the title, and an excerpt of the description, in pieces that joined give the text."""

    mechanism: MechanismResponse
    highlights: dict[str, list[Piece]]


class SearchResponse(Struct):
    """`total` is exact while `total_is_exact`. `facets` counts the matches in each category; of more than 10,000,
    perhaps the newest alone. With `degraded`, the search index did not answer.

    The database did then: any place where all words stand, newest first, without facets and highlights, among the
    10,000 newest mechanisms.
    """

    items: list[SearchHitResponse]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    facets: dict[str, int]
    degraded: bool


class SuggestionsResponse(Struct):
    """With `degraded`, the search index did not answer, and there are no items."""

    items: list[str]
    degraded: bool


class _Degraded(Exception):
    """An answer that caches must not keep, past the cache that would. `body` is the answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__()


@get("/mechanisms", summary="Search mechanisms", responses=NOT_MODIFIED, opt=OPTIONAL_TOKEN)
async def search_mechanisms(
    request: Req,
    q: Text = "",
    category: Categories = None,
    user_id: ByUser = None,
    sort: Annotated[SearchSort, QueryParameter(name="sort")] = SearchSort.RELEVANCE,
    page: PageNumber = None,
    limit: Limit = None,
) -> Response[SearchResponse]:
    """Best first. What is published; with one's own `user_id`, everything one has. Without `q`, all of it."""
    number, size = page or 1, limit or DEFAULT_LIMIT
    refuse_depth(number, size, MAX_HIT_OFFSET, "narrow the search")
    viewer = await viewer_of(request)
    user = UserId(user_id) if user_id is not None else None
    application = application_of(request)
    ids = [CategoryId(id) for id in category or ()]

    async def find(viewer: Viewer) -> bytes:
        found = await application.search.search(
            viewer, q, category_ids=ids, user_id=user, sort=sort, page=number, limit=size
        )
        return _encoded(_answer(application, found))

    async def load() -> bytes:
        return cached_entry(await find(None))

    async def answer_own() -> Response[Any]:
        body = await find(viewer)
        return answer(request, body, etag=etag_of(body))

    if sees_unpublished_of(viewer, user):
        return await _or_degraded(request, answer_own())
    # The index's jobs forget lists once they have written, so no answer outlives a change.
    key = f"search|{q!r}|{sorted(ids)}|{user!r}|{sort}|{number}|{size}"
    return await _or_degraded(request, cached_response(request, key, load, for_everyone=user is None))


@get("/suggest", summary="Complete a title", responses=NOT_MODIFIED)
async def suggest(
    request: Req,
    q: Text = "",
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_SUGGESTIONS)] = 10,
) -> Response[SuggestionsResponse]:
    """Titles of published mechanisms with a word that begins with `q`."""

    async def load() -> bytes:
        found = await application_of(request).search.suggest(q, limit)
        return cached_entry(_encoded(SuggestionsResponse(items=list(found.titles), degraded=found.degraded)))

    return await _or_degraded(request, cached_response(request, f"suggest|{q!r}|{limit}", load))


def _encoded(told: SearchResponse | SuggestionsResponse) -> bytes:
    """Raises _Degraded where the search index did not answer."""
    body = msgspec.json.encode(told)
    if told.degraded:
        raise _Degraded(body)
    return body


async def _or_degraded(request: Req, answering: Awaitable[Response[Any]]) -> Response[Any]:
    try:
        return await answering
    except _Degraded as degraded:
        return answer(request, degraded.body, etag=etag_of(degraded.body), cache=UNKEPT)


def _answer(application: Application, found: SearchPage) -> SearchResponse:
    links = application.media.links()
    return SearchResponse(
        items=[_found(item, links) for item in found.items],
        page=found.page,
        limit=found.limit,
        total=found.total,
        total_is_exact=found.total_is_exact,
        facets={str(id): count for id, count in found.facets.items()},
        degraded=found.degraded,
    )


def _found(item: FoundMechanism, links: MediaLinks) -> SearchHitResponse:
    return SearchHitResponse(
        mechanism=mechanism_response(item.found, links),
        highlights={
            name: [Piece(text, is_match) for text, is_match in pieces]
            for name, pieces in item.highlights.items()
        },
    )


router = Router("/api/v1/search", tags=["search"], route_handlers=[search_mechanisms, suggest])
