"""Home: finding mechanisms by words and categories."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from mechshare.domain.errors import InvalidField
from mechshare.domain.licenses import LICENSES
from mechshare.domain.mechanism_filters import CategoryMatch
from mechshare.domain.policy import Viewer
from mechshare.domain.search import SearchPage
from mechshare.entrypoints.http.protocol.auth import application_of, limits, viewer_of
from mechshare.entrypoints.http.representations.mechanism_fields import Loops
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import Card, CardTexts, card
from mechshare.entrypoints.web.conditions import MAX_PAGE, STEP, Bounds, Conditions, conditions_of
from mechshare.entrypoints.web.feeds import feed_links
from mechshare.entrypoints.web.listing import (
    Categories,
    find_categories,
    find_chips,
    find_level_chips,
    find_page,
    level_names,
    with_families,
)
from mechshare.entrypoints.web.rendering import form_page, page
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
Words = Annotated[str, QueryParameter(name="q")]
CategoryNames = Annotated[list[str] | None, QueryParameter(name="category")]
Match = Annotated[CategoryMatch, QueryParameter(name="category_match")]
SortName = Annotated[str | None, QueryParameter(name="sort")]
Page = Annotated[int, QueryParameter(name="page", ge=1, le=MAX_PAGE)]
Show = Annotated[int, QueryParameter(name="show", ge=1)]
Bound = Annotated[str, QueryParameter(max_length=64)]
_count_search = limits(CostlyOperation.SEARCHES)


@get("/")
async def show_home(
    request: Req,
    bounds: NamedDependency[Bounds],
    q: Words = "",
    category: CategoryNames = None,
    category_match: Match = CategoryMatch.ANY,
    sort: SortName = None,
    number: Page = 1,
    show: Show = STEP,
) -> Response[str]:
    """Shows the first `show` mechanisms of a page, so that the address of a longer list shows it again."""
    try:
        stated = conditions_of(q, category or (), sort, number, show, bounds, category_match)
        conditions = await with_families(request, stated)
    except InvalidField as error:
        return await form_page(request, "home_refused.html", error, search_words=q)
    viewer = await viewer_of(request)
    await _limit(request, conditions)
    found = await find_page(request, viewer, conditions, conditions.offset, conditions.show)
    return await _home(request, viewer, conditions, found)


@get("/cards")
async def show_more_cards(
    request: Req,
    bounds: NamedDependency[Bounds],
    q: Words = "",
    category: CategoryNames = None,
    category_match: Match = CategoryMatch.ANY,
    sort: SortName = None,
    number: Page = 1,
    show: Show = STEP,
) -> Response[str]:
    """Shows only the last cards of the page with this address; the script of "Show more" appends them."""
    stated = conditions_of(q, category or (), sort, number, show, bounds, category_match)
    conditions = await with_families(request, stated)
    viewer = await viewer_of(request)
    await _limit(request, conditions)
    offset = conditions.offset + conditions.show - STEP
    found = await find_page(request, viewer, conditions, offset, STEP)
    categories = await find_categories(request, viewer)
    return await page(
        request,
        "more_cards.html",
        conditions=conditions,
        has_more=conditions.has_more(conditions.show - STEP + len(found.items), found.total),
        cards=_cards(request, found, categories),
    )


def _bounds(
    author: Bound = "",
    created_from: Bound = "",
    created_to: Bound = "",
    duration_min: Bound = "",
    duration_max: Bound = "",
    period_min: Bound = "",
    period_max: Bound = "",
    loops: Loops = None,
    reliability_min: Bound = "",
    license: Bound = "",
    parameters: Annotated[str, QueryParameter(max_length=500)] = "",
) -> Bounds:
    return Bounds(
        author=author.strip(),
        created_from=created_from.strip(),
        created_to=created_to.strip(),
        duration_min=duration_min.strip(),
        duration_max=duration_max.strip(),
        period_min=period_min.strip(),
        period_max=period_max.strip(),
        loops="true" if loops else "",
        reliability_min=reliability_min.strip(),
        license=license.strip(),
        parameters=parameters.strip(),
    )


async def _limit(request: Req, conditions: Conditions) -> None:
    """Counts a search like one of the API. Raises TooManyRequests."""
    if conditions.is_search:
        await _count_search(request)


async def _home(request: Req, viewer: Viewer, conditions: Conditions, found: SearchPage) -> Response[str]:
    categories = await find_categories(request, viewer)
    return await page(
        request,
        "home.html",
        search_words=conditions.text,
        conditions=conditions,
        feeds=feed_links(request, conditions),
        found=found,
        has_more=conditions.has_more(len(found.items), found.total),
        chips=await find_chips(request, viewer, conditions, found, categories),
        level_chips=await find_level_chips(request, viewer, conditions, found),
        levels=level_names(request),
        licenses=list(LICENSES),
        cards=_cards(request, found, categories),
    )


def _cards(request: Req, found: SearchPage, categories: Categories) -> list[Card]:
    addresses = media_addresses(application_of(request))
    return [
        card(
            item.found,
            addresses,
            CardTexts(category_names=categories.names, highlights=item.highlights, page=item.page),
        )
        for item in found.items
    ]


router = Router(
    "/",
    route_handlers=[show_home, show_more_cards],
    dependencies={"bounds": Provide(_bounds, sync_to_thread=False)},
)
