"""Feeds of the newest mechanisms, of a search, a category, a user or a collection, for feed readers."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from mechshare.domain.collections import MAX_ENTRIES, CollectionId
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.mechanism_filters import CategoryMatch, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.search import SearchSort
from mechshare.entrypoints.http.protocol.auth import application_of, limits
from mechshare.entrypoints.http.protocol.responses import NO_STORE, PUBLIC
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import CardTexts, card
from mechshare.entrypoints.web.conditions import STEP, conditions_of
from mechshare.entrypoints.web.feeds import Feed, feed_file_of, feed_response
from mechshare.entrypoints.web.listing import Categories, find_categories, find_page, with_families
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
Words = Annotated[str, QueryParameter(name="q")]
CategoryNames = Annotated[list[str] | None, QueryParameter(name="category")]
Match = Annotated[CategoryMatch, QueryParameter(name="category_match")]
_count_search = limits(CostlyOperation.SEARCHES)


class _Place(NamedTuple):
    """The paths of the page for people, and of the folder that contains the feed."""

    page: str
    folder: str


@get(["/feed.atom", "/feed.json"])
async def get_feed(
    request: Req, q: Words = "", category: CategoryNames = None, category_match: Match = CategoryMatch.ANY
) -> Response[Any]:
    """Returns the newest public mechanisms that match the words and categories; the same for every caller."""
    stated = conditions_of(q, category or (), SearchSort.NEWEST.value, 1, STEP, match=category_match)
    conditions = await with_families(request, stated)
    if conditions.is_search:
        await _count_search(request)
    else:
        conditions = conditions.sorted_by(MechanismSort.RECENTLY_PUBLISHED)
    found = await find_page(request, None, conditions, 0, STEP)
    categories = await find_categories(request, None)
    shown = [conditions.text, *(categories.names.get(id, id) for id in conditions.category_ids)]
    name, place = " · ".join(filter(None, shown)), _Place(page=conditions.address, folder="/")
    feed = _feed(request, name, place, categories, [item.found for item in found.items])
    return feed_response(request, feed, NO_STORE if found.degraded else PUBLIC)


@get(["/u/{user_id:str}/feed.atom", "/u/{user_id:str}/feed.json"])
async def get_feed_of_user(request: Req, user_id: FromPath[str]) -> Response[Any]:
    """Returns the newest public mechanisms of the user. Raises UserNotFound."""
    if not is_id(user_id):
        raise UserNotFound()
    application = application_of(request)
    profile = await application.users.get_profile(UserId(user_id))
    filter = MechanismFilter(user_id=profile.id)
    sort = MechanismSort.RECENTLY_PUBLISHED
    found = await application.mechanisms.find_all(None, PageRequest(limit=STEP), filter, sort=sort)
    place = _Place(page=f"/u/{profile.id}", folder=f"/u/{profile.id}/")
    categories = await find_categories(request, None)
    return feed_response(request, _feed(request, profile.display_name, place, categories, found.items))


@get(["/c/{collection_id:str}/feed.atom", "/c/{collection_id:str}/feed.json"])
async def get_feed_of_collection(request: Req, collection_id: FromPath[str]) -> Response[Any]:
    """Returns all that everybody may see in the collection, in its order: what is new there may stand anywhere. Raises
    CollectionNotFound."""
    application, id = application_of(request), CollectionId(collection_id)
    collection = (await application.collections.get(None, id)).collection
    found = await application.collections.find_mechanisms(None, id, PageRequest(limit=MAX_ENTRIES))
    place = _Place(page=f"/c/{id}", folder=f"/c/{id}/")
    categories = await find_categories(request, None)
    return feed_response(request, _feed(request, collection.title, place, categories, found.items))


def _feed(
    request: Req, name: str, place: _Place, categories: Categories, items: Sequence[AuthoredMechanism]
) -> Feed:
    addresses, site = media_addresses(application_of(request)), site_url(request)
    texts = CardTexts(category_names=categories.names)
    query = request.url.query
    return Feed(
        title=f"{name} - mechshare" if name else "mechshare",
        page_url=f"{site}{place.page}",
        url=f"{site}{place.folder}{feed_file_of(request)}{'?' if query else ''}{query}",
        site=site,
        cards=[card(item, addresses, texts) for item in items],
    )


router = Router("/", route_handlers=[get_feed, get_feed_of_user, get_feed_of_collection])
