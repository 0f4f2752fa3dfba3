"""Two mechanisms side by side, in step."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from mechshare.domain.ids import MechanismId, is_id
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.policy import Viewer
from mechshare.domain.search import MAX_QUERY_LENGTH
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import Card, card, external_host
from mechshare.entrypoints.web.rendering import hide_referrer, page

Req = Request[Any, Any, Any]
_CANDIDATES = 12


@get("/compare")
async def show_comparison(
    request: Req,
    a: Annotated[str, QueryParameter(name="a", max_length=64)] = "",
    b: Annotated[str, QueryParameter(name="b", max_length=64)] = "",
    q: Annotated[str, QueryParameter(name="q", max_length=MAX_QUERY_LENGTH)] = "",
) -> Response[str]:
    """Shows both mechanisms; while one is missing, a search for it."""
    viewer = await viewer_of(request)
    found = await _visible(request, viewer, (a, b))
    left, right = found.get(a), found.get(b)
    is_lost = bool(a and left is None) or bool(b and right is None)
    hosts = {key: external_host(one.mechanism) for key, one in found.items()}
    shown = await page(
        request,
        "compare.html",
        status=404 if is_lost else 200,
        left=left,
        right=right,
        is_lost=is_lost,
        hosts=hosts,
        candidates=[] if left and right else await _candidates(request, viewer, q),
        compare_words=q,
    )
    return hide_referrer(shown, has_forms=viewer is not None) if any(hosts.values()) else shown


async def _visible(request: Req, viewer: Viewer, ids: tuple[str, str]) -> Mapping[str, Card]:
    """Returns those of the mechanisms that the person may see, by id."""
    application = application_of(request)
    distinct = [MechanismId(one) for one in dict.fromkeys(ids) if is_id(one)]
    items = await application.mechanisms.find_visible(viewer, distinct) if distinct else ()
    addresses = media_addresses(application)
    return {item.mechanism.id: card(item, addresses) for item in items}


async def _candidates(request: Req, viewer: Viewer, words: str) -> list[Card]:
    application = application_of(request)
    found = await application.search.search(viewer, words, limit=_CANDIDATES)
    addresses = media_addresses(application)
    clips = (item.found for item in found.items if item.found.mechanism.kind is MechanismKind.CLIP)
    return [card(clip, addresses) for clip in clips]


router = Router("/", route_handlers=[show_comparison])
