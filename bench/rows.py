"""The rows of the table: what is asked of mechshare, and of each of its references that can be asked the same.

Cold means that no cache can know the answer: every mechanism is asked for once, and every list is entered at another
place, which is all that makes lists differ and cost the same. When all has been asked for, the caches are emptied by
the word that any other process of mechshare would give them, and it begins anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from bench.candidates import LITERAL, OURS, RAW
from bench.data import new_mechanisms
from bench.known import Known, Place, zipf
from bench.load import Lines
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import MechanismSort
from mechshare.domain.pages import DEFAULT_LIMIT, Page, Position
from mechshare.entrypoints.http.mechanism_answers import MECHANISMS_PATH
from mechshare.entrypoints.http.paging import list_answer
from mechshare.services.changes import LISTS, mechanism_group

CATEGORY = "gears"
_DRAWN = 200_000
"""How often a mechanism is drawn for the row that follows Zipf's law, before it begins anew."""
_BODIES = 2_000
"""Different mechanisms that are created, before it begins anew."""
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one candidate is asked: `path`, or the `lines` one after the other. `status` is what it has to answer."""

    path: str
    lines: Lines | None = None
    method: str = "GET"
    headers: Headers = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`asked` by the candidate's name; the floor is asked what mechshare is. `groups` are those of mechshare's caches
    that hold what is asked for."""

    name: str
    asked: Mapping[str, Asked]
    groups: Callable[[], Sequence[str]] = list


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The headers that prove who asks, of mechshare and of the literal design."""

    ours: Headers
    literal: Headers


def rows(known: Known, callers: Callers, etag: str) -> list[Row]:
    """In the order in which they are measured: those that write come last."""
    return [*_reads(known, callers, etag), *_lists(known), _create(callers)]


def _reads(known: Known, callers: Callers, etag: str) -> list[Row]:
    one = Asked(path=_one(known.ids[0]))
    signed_in = {
        OURS: Asked(path=one.path, headers=callers.ours),
        LITERAL: Asked(path=one.path, headers=callers.literal),
    }
    held = Asked(path=one.path, headers={"If-None-Match": etag}, status=304)
    drawn = _each([_one(id) for id in zipf(known.ids, _DRAWN)], once=False)
    cold = _each([_one(id) for id in known.ids], once=True)

    def groups() -> list[str]:
        return [mechanism_group(MechanismId(id)) for id in known.ids]

    return [
        Row(name="get hot anonymous", asked=_of_all(one)),
        Row(name="get hot authorised", asked=signed_in),
        Row(name="get hot 304", asked={OURS: held}),
        Row(name="get Zipf", asked=_of_all(drawn)),
        Row(name="get cold", asked=_of_all(cold), groups=groups),
    ]


def _lists(known: Known) -> list[Row]:
    first = Asked(path=MECHANISMS_PATH)
    near, raw_near = _entered(known.near)
    deep, raw_deep = _entered(known.deep)
    literal_deep = Asked(path=f"{MECHANISMS_PATH}?page={known.deep_rank // DEFAULT_LIMIT + 1}")
    page = Asked(path=f"{MECHANISMS_PATH}?page={known.deepest_page}")
    filtered = Asked(path=f"{MECHANISMS_PATH}?category={CATEGORY}")
    literal_filtered = Asked(path=f"{MECHANISMS_PATH}?category_ids={CATEGORY}")
    return [
        Row(name="list first page hot", asked=_of_all(first)),
        # The literal design keeps no lists: its first page is always cold.
        Row(
            name="list first page cold",
            asked={OURS: near, RAW: raw_near, LITERAL: first},
            groups=_lists_groups,
        ),
        Row(
            name="list deep cursor hot",
            asked={OURS: _first(deep), RAW: _first(raw_deep), LITERAL: literal_deep},
        ),
        Row(
            name="list deep cursor cold",
            asked={OURS: deep, RAW: raw_deep, LITERAL: literal_deep},
            groups=_lists_groups,
        ),
        Row(name="list deep page hot", asked=_of_all(page)),
        Row(name="list filtered hot", asked={OURS: filtered, RAW: filtered, LITERAL: literal_filtered}),
    ]


def _create(callers: Callers) -> Row:
    bodies = Lines(lines=new_mechanisms(_BODIES), are_bodies=True)
    json = {"Content-Type": "application/json"}

    def asked(headers: Headers, status: int) -> Asked:
        told = {**json, **headers}
        return Asked(path=MECHANISMS_PATH, lines=bodies, method="POST", headers=told, status=status)

    return Row(
        name="create",
        asked={OURS: asked(callers.ours, 201), RAW: asked({}, 200), LITERAL: asked(callers.literal, 200)},
    )


def _of_all(asked: Asked) -> dict[str, Asked]:
    """Whoever can be asked the same in the same words."""
    return dict.fromkeys((OURS, RAW, LITERAL), asked)


def _one(id: str) -> str:
    return f"{MECHANISMS_PATH}/{id}"


def _each(paths: Sequence[str], *, once: bool) -> Asked:
    return Asked(path=paths[0], lines=Lines(lines=paths, once=once))


def _first(asked: Asked) -> Asked:
    """The same, of the first of its lines alone."""
    return replace(asked, lines=None)


def _entered(places: Sequence[Place]) -> tuple[Asked, Asked]:
    """Lists entered at these places, as mechshare is asked for them and as the raw reference is."""
    ours = [f"{MECHANISMS_PATH}?cursor={_cursor(place)}" for place in places]
    raw = [
        f"{MECHANISMS_PATH}?after_time={quote(place.time.isoformat())}&after_id={place.id}"
        for place in places
    ]
    return _each(ours, once=True), _each(raw, once=True)


def _cursor(place: Place) -> str:
    """What mechshare tells as `next` of the page that ends here."""
    page: Page[object] = Page(
        items=(),
        page=place.rank // DEFAULT_LIMIT + 1,
        limit=DEFAULT_LIMIT,
        total=0,
        next=Position(key=place.time, id=place.id),
    )
    return list_answer(page, [], MechanismSort.NEWEST.value).next or ""


def _lists_groups() -> list[str]:
    return [LISTS]
