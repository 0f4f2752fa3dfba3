"""The rows of the table: the requests to mechshare, and to each reference that supports them.

Cold means that no cache can have the response: every mechanism is requested once, and every list with another cursor or
other words, where that changes nothing else and costs no more. After the last request the caches are invalidated, as
another process of mechshare would do it, and the row starts again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from urllib.parse import quote

from bench.callers import Callers
from bench.candidates import FIRST_PAGE, LITERAL, OURS, RAW
from bench.data import new_mechanisms
from bench.known import Known, Place, zipf
from bench.load import Lines
from bench.texts import beginnings, drawing_number, questions
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import DEFAULT_LIMIT, Page, Position
from mechshare.entrypoints.http.protocol.pagination import page_response
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.support.invalidation import PUBLIC_LISTS, mechanism_tag

CATEGORY = "gears"
RANGE = 64 * 1024
"""Bytes of a clip per range request."""
_DRAWN = 200_000
"""Draws of mechanisms for the row that follows Zipf's law, before it repeats."""
_BODIES = 2_000
"""Different mechanisms to create, before the row repeats."""
_CLIP = b"GIF89a" + bytes(256 * 1024)
_BOUNDARY = b"a-boundary-of-the-benchmark"
_JSON = {"Content-Type": "application/json"}
_SEARCH_PATH = "/api/v1/search/mechanisms"
_SUGGEST_PATH = "/api/v1/search/suggest"
_POPULAR = "gear"
"""Matches more than one page, even with few mechanisms."""
_FEW = 2
"""About the number of results of any other query among 1,000 mechanisms."""
_SUGGESTED = 5
"""Titles, which nearly every prefix finds among 1,000 mechanisms."""
_NUMBERED = 1_000
"""The first mechanisms, which are the same at every size."""
_LENGTHS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """The requests to one candidate: `path` with `body`, or the successive `lines`. `status` is the expected status,
    and `unwanted` a text that the response must not contain."""

    path: str = ""
    lines: Lines | None = None
    body: bytes = b""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    unwanted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`plans` are the requests by candidate; the floor gets mechshare's. `groups` are the cache tags of what is
    requested once."""

    plans: Mapping[str, RequestPlan]
    groups: Callable[[], Sequence[str]] = list


def rows(known: Known, callers: Callers) -> dict[str, Callable[[], Row]]:
    """Returns the factories of all rows in the order of measurement: rows that write come last."""

    def first_page_hot() -> Row:
        return Row(plans=_of_all(RequestPlan(path=MECHANISMS_PATH)))

    def first_page_cold() -> Row:
        # The literal design does not cache lists: all of its are cold.
        return _entered(known.near, RequestPlan(path=MECHANISMS_PATH))

    def deep_cursor() -> Row:
        return _entered(known.deep, _deep_page(known))

    def deep_page_hot() -> Row:
        return Row(plans=_of_all(RequestPlan(path=_page(known.deepest_page))))

    made: dict[str, Callable[[], Row]] = {
        "get hot anonymous": lambda: Row(plans=_of_all(RequestPlan(path=_one(known.ids[0])))),
        "get hot authorised": lambda: _authorised(known, callers),
        "get hot 304": lambda: _held(known, callers),
        "get Zipf": lambda: Row(plans=_of_all(_each(map(_one, zipf(known.ids, _DRAWN)), once=False))),
        "get cold": lambda: Row(plans=_of_all(_each(map(_one, known.ids))), groups=lambda: _groups_of(known)),
        "list first page hot": first_page_hot,
        "list first page cold": first_page_cold,
        "list deep cursor hot": lambda: _beside(_again(deep_cursor()), first_page_hot()),
        "list deep cursor cold": lambda: _beside(deep_cursor(), first_page_cold()),
        "list deep page hot": lambda: _beside(deep_page_hot(), first_page_hot()),
        "list deep page cold": lambda: _beside(_pages(known), first_page_cold()),
        "list filtered hot": lambda: _filtered(),
        "list filtered cold": lambda: _entered(
            known.near, _filtered().plans[LITERAL], f"category={CATEGORY}&"
        ),
    }
    if known.is_searchable:
        made["search hot"] = lambda: _searched(RequestPlan(path=_search(_POPULAR)))
        made["search cold"] = lambda: _searches(DEFAULT_LIMIT)
        made["search few cold"] = lambda: _searches(_FEW)
        made["search one cold"] = lambda: _searched(_each(_searches_for_one()))
        made["suggest hot"] = lambda: _searched(RequestPlan(path=_suggest(_POPULAR)))
        made["suggest cold"] = lambda: _searched(
            _each(f"{_suggest(text)}&limit={_SUGGESTED}" for text in beginnings())
        )
    made["media range"] = lambda: _media(known)
    made["create"] = lambda: _creations(callers)
    made["publish"] = lambda: _publications(known, callers)
    # Last, because its writes keep the disk busy for a while.
    made["upload"] = lambda: _uploads(callers)
    return made


def _authorised(known: Known, callers: Callers) -> Row:
    path = _one(known.ids[0])
    ours, literal = (
        RequestPlan(path=path, headers=callers.ours()),
        RequestPlan(path=path, headers=callers.literal()),
    )
    return Row(plans={OURS: ours, LITERAL: literal})


def _held(known: Known, callers: Callers) -> Row:
    path = _one(known.ids[0])
    return Row(
        plans={OURS: RequestPlan(path=path, headers={"If-None-Match": callers.etag(path)}, status=304)}
    )


def _entered(places: Sequence[Place], literal: RequestPlan, narrowed: str = "") -> Row:
    """Returns lists with these cursors, in each candidate's syntax; for the literal design always the same page."""
    start = f"{MECHANISMS_PATH}?{narrowed}"
    ours = _each(f"{start}cursor={_cursor(place)}" for place in places)
    raw = _each(f"{start}after_time={quote(place.time.isoformat())}&after_id={place.id}" for place in places)
    return Row(plans={OURS: ours, RAW: raw, LITERAL: literal}, groups=_lists)


def _pages(known: Known) -> Row:
    """Returns numbered pages of lengths around the default, all ending near the deepest page."""
    last = known.deepest_page * DEFAULT_LIMIT
    paths = [
        _page(last // limit - step, limit)
        for step in range(max(20, last // DEFAULT_LIMIT // 5))
        for limit in range(DEFAULT_LIMIT - 5, DEFAULT_LIMIT + 6)
        if step < last // limit
    ]
    return Row(plans=_of_all(_each(paths)), groups=_lists)


def _filtered() -> Row:
    ours = RequestPlan(path=f"{MECHANISMS_PATH}?category={CATEGORY}")
    return Row(
        plans={OURS: ours, RAW: ours, LITERAL: RequestPlan(path=f"{MECHANISMS_PATH}?category_ids={CATEGORY}")}
    )


def _searches(limit: int) -> Row:
    return _searched(_each(f"{_search(text)}&limit={limit}" for text in questions()))


def _searches_for_one() -> Iterator[str]:
    """Yields searches for mechanisms that exist at every size, with many limits so that no cache has the response."""
    for limit in range(DEFAULT_LIMIT, DEFAULT_LIMIT + _LENGTHS):
        for number in Random("drawings").sample(range(_NUMBERED), _NUMBERED):
            yield f"{_search(drawing_number(number))}&limit={limit}"


def _searched(plan: RequestPlan) -> Row:
    # Served by the index, not by the database as a fallback.
    return Row(plans={OURS: replace(plan, unwanted='"degraded":true')}, groups=_lists)


def _media(known: Known) -> Row:
    ranged = {"Range": f"bytes=0-{RANGE - 1}"}
    return Row(plans={OURS: RequestPlan(path=known.clip_path(), headers=ranged, status=206)})


def _creations(callers: Callers) -> Row:
    bodies = Lines(lines=new_mechanisms(_BODIES), are_bodies=True)
    plan = RequestPlan(path=MECHANISMS_PATH, lines=bodies, method="POST", headers=_JSON)
    return Row(
        plans={
            OURS: replace(plan, headers=_JSON | callers.ours(), status=201),
            RAW: plan,
            LITERAL: replace(plan, headers=_JSON | callers.literal()),
        }
    )


def _uploads(callers: Callers) -> Row:
    """Returns an upload of a clip that only a job would decode."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="title"\r\n\r\nfour-bar' % _BOUNDARY,
        b'--%s\r\nContent-Disposition: form-data; name="file"; filename="a.gif"\r\n\r\n' % _BOUNDARY + _CLIP,
        b"--%s--\r\n" % _BOUNDARY,
    ]
    form = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY.decode()}"}
    plan = RequestPlan(
        path=MECHANISMS_PATH,
        method="POST",
        body=b"\r\n".join(parts),
        headers=form | callers.ours(),
        status=202,
    )
    return Row(plans={OURS: plan})


def _publications(known: Known, callers: Callers) -> Row:
    """Publishes another mechanism each time: publishing the same one again costs less."""
    plans = [
        replace(_each(f"{_one(id)}/publish" for id in ids), method="POST") for ids in known.unpublished(2)
    ]
    return Row(plans={OURS: replace(plans[0], headers=callers.ours()), RAW: plans[1]})


def _deep_page(known: Known) -> RequestPlan:
    return RequestPlan(path=_page(known.deep_rank // DEFAULT_LIMIT + 1))


def _beside(row: Row, first_page: Row) -> Row:
    return replace(row, plans={**row.plans, FIRST_PAGE: first_page.plans[OURS]})


def _again(row: Row) -> Row:
    """Repeats the first line of each candidate."""
    return Row(
        plans={
            name: RequestPlan(path=plan.lines.lines[0]) if plan.lines else plan
            for name, plan in row.plans.items()
        }
    )


def _of_all(plan: RequestPlan) -> dict[str, RequestPlan]:
    """Returns the same request for every candidate that supports it."""
    return dict.fromkeys((OURS, RAW, LITERAL), plan)


def _each(paths: Iterable[str], *, once: bool = True) -> RequestPlan:
    return RequestPlan(lines=Lines(lines=list(paths), once=once))


def _one(id: str) -> str:
    return f"{MECHANISMS_PATH}/{id}"


def _search(text: str) -> str:
    return f"{_SEARCH_PATH}?q={quote(text)}"


def _suggest(text: str) -> str:
    return f"{_SUGGEST_PATH}?q={quote(text)}"


def _page(number: int, limit: int = DEFAULT_LIMIT) -> str:
    return f"{MECHANISMS_PATH}?page={number}&limit={limit}"


def _cursor(place: Place) -> str:
    """Returns the `next` cursor of the page that ends at `place`."""
    page: Page[object] = Page(
        items=(),
        page=place.rank // DEFAULT_LIMIT + 1,
        limit=DEFAULT_LIMIT,
        total=0,
        next=Position(key=place.time, id=place.id),
    )
    return page_response(page, [], MechanismSort.NEWEST.order, EVERY_MECHANISM.conditions).next or ""


def _lists() -> list[str]:
    return [PUBLIC_LISTS]


def _groups_of(known: Known) -> list[str]:
    return [mechanism_tag(MechanismId(id)) for id in known.ids]
