"""Home: finding mechanisms by words and categories."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from mechshare.domain.ids import CategoryId
from mechshare.domain.search import MAX_QUERY_LENGTH, SearchSort
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]
PAGE_SIZE = 20


@get("/")
async def show_home(
    request: Req,
    q: Annotated[str, QueryParameter(name="q", max_length=MAX_QUERY_LENGTH)] = "",
    category: Annotated[list[str] | None, QueryParameter(name="category")] = None,
    sort: Annotated[SearchSort, QueryParameter(name="sort")] = SearchSort.RELEVANCE,
) -> Response[str]:
    application = application_of(request)
    chosen = tuple(map(CategoryId, category or ()))
    found = await application.search.search(
        await viewer_of(request), q, category_ids=chosen, sort=sort, limit=PAGE_SIZE
    )
    addresses = media_addresses(application)
    return await page(
        request,
        "home.html",
        q=q,
        chosen=chosen,
        sort=sort.value,
        found=found,
        cards=[card(item.found, addresses) for item in found.items],
        categories=await application.categories.find_counts(),
    )


router = Router("/", route_handlers=[show_home])
