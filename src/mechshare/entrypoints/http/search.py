"""/search"""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.pages import DEEPEST_OFFSET, DEFAULT_LIMIT
from mechshare.domain.policy import sees_unpublished_of
from mechshare.domain.search import LONGEST_QUERY, FoundMechanism, SearchSort
from mechshare.entrypoints.http.answers import PRIVATE, PUBLIC, resource
from mechshare.entrypoints.http.auth import application_of, viewer_of
from mechshare.entrypoints.http.mechanism_answers import MechanismAnswer, mechanism_answer
from mechshare.entrypoints.http.mechanisms import ByUser, Categories
from mechshare.entrypoints.http.paging import Limit, PageNumber
from mechshare.entrypoints.http.schema import NOT_MODIFIED

Req = Request[Any, Any, Any]
Text = Annotated[
    str,
    QueryParameter(name="q", max_length=LONGEST_QUERY, description="Words that must all match; 歯車, gear."),
]
MOST_SUGGESTIONS = 20


class Piece(Struct):
    """A piece of a highlighted text."""

    text: str
    is_match: bool


class FoundAnswer(Struct):
    """`highlights` holds the title, and an excerpt of the description, in pieces that joined give the text."""

    mechanism: MechanismAnswer
    highlights: dict[str, list[Piece]]


class SearchAnswer(Struct):
    """`facets` counts the matches in each category."""

    items: list[FoundAnswer]
    page: int
    limit: int
    total: int
    facets: dict[str, int]


class SuggestionsAnswer(Struct):
    items: list[str]


@get("/mechanisms", summary="Search mechanisms", responses=NOT_MODIFIED)
async def search_mechanisms(
    request: Req,
    q: Text = "",
    category: Categories = None,
    user_id: ByUser = None,
    sort: Annotated[SearchSort, QueryParameter(name="sort")] = SearchSort.RELEVANCE,
    page: PageNumber = None,
    limit: Limit = None,
) -> Response[SearchAnswer]:
    """Best first. What is published; with one's own `user_id`, everything one has. Without `q`, all of it."""
    number, size = page or 1, limit or DEFAULT_LIMIT
    if (number - 1) * size > DEEPEST_OFFSET:
        raise MalformedRequest(
            problem="see details.",
            details=[("page", f"reaches {DEEPEST_OFFSET} items deep; narrow the search.")],
        )
    viewer = await viewer_of(request)
    user = UserId(user_id) if user_id is not None else None
    found = await application_of(request).search.search(
        viewer,
        q,
        category_ids=[CategoryId(id) for id in category or ()],
        user_id=user,
        sort=sort,
        page=number,
        limit=size,
    )
    body = SearchAnswer(
        items=[_found(request, item) for item in found.items],
        page=found.page,
        limit=found.limit,
        total=found.total,
        facets={str(id): count for id, count in found.facets.items()},
    )
    return resource(request, body, cache=PRIVATE if sees_unpublished_of(viewer, user) else PUBLIC)


@get("/suggest", summary="Complete a title", responses=NOT_MODIFIED)
async def suggest(
    request: Req,
    q: Text = "",
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MOST_SUGGESTIONS)] = 10,
) -> Response[SuggestionsAnswer]:
    """Titles of published mechanisms with a word that begins with `q`."""
    titles = await application_of(request).search.suggest(q, limit)
    return resource(request, SuggestionsAnswer(list(titles)), cache=PUBLIC)


def _found(request: Req, item: FoundMechanism) -> FoundAnswer:
    application = application_of(request)
    return FoundAnswer(
        mechanism=mechanism_answer(item.found, application.links, application.clock.now()),
        highlights={
            name: [Piece(text, is_match) for text, is_match in pieces]
            for name, pieces in item.highlights.items()
        },
    )


router = Router("/api/v1/search", tags=["search"], route_handlers=[search_mechanisms, suggest])
