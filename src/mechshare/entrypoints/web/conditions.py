"""What the address of the home page says: words, filters, order, and how many mechanisms to show."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from mechshare.domain.errors import InvalidField, MalformedRequest
from mechshare.domain.ids import CategoryId
from mechshare.domain.licenses import clean_license
from mechshare.domain.mechanism_filters import CategoryMatch, MechanismFilter, few_ranges, search_filter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import MAX_DURATION
from mechshare.domain.named_values import ranges_in
from mechshare.domain.search import SearchSort, clean_query

STEP = 20
"""How many mechanisms "Show more" adds."""
WINDOW = 200
"""The most mechanisms on a page; the next ones have a page of their own, so no page grows without end."""
MAX_PAGE = 50
"""Pages reach 10,000 mechanisms deep, as page numbers of the API do."""

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
Sort = SearchSort | MechanismSort


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Author, days, durations, periods and what authors state as the form has them; an empty text means any. Days are
    in UTC and included, as are durations and periods, in seconds. `loops` is "true" or empty, `parameters` as in
    `ranges_in`."""

    author: str = ""
    created_from: str = ""
    created_to: str = ""
    duration_min: str = ""
    duration_max: str = ""
    period_min: str = ""
    period_max: str = ""
    loops: str = ""
    reliability_min: str = ""
    license: str = ""
    parameters: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The fields that are filled in, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def search_filter(self) -> MechanismFilter:
        """Raises InvalidField for an invalid day, duration, period, level, licence or range, and for bounds that
        nothing meets."""
        first, last = _day("created_from", self.created_from), _day("created_to", self.created_to)
        least = _seconds("duration_min", self.duration_min)
        most = _seconds("duration_max", self.duration_max)
        try:
            return search_filter(
                first,
                _following(last) if last else None,
                least,
                most,
                period_min=_seconds("period_min", self.period_min),
                period_max=_seconds("period_max", self.period_max),
                loops=bool(self.loops) or None,
                stated=self._stated(),
            )
        except MalformedRequest as problem:
            raise InvalidField(
                "bounds",
                en="The first day must not be after the last one, nor the shortest duration or period above the"
                " longest one.",
                ja="開始日は終了日以前に、最短の長さや周期は最長のもの以下にしてください。",
            ) from problem

    def _stated(self) -> MechanismFilter:
        chosen = clean_license(self.license)
        return MechanismFilter(
            reliability_min=_level("reliability_min", self.reliability_min),
            licenses=(chosen,) if chosen else (),
            ranges=few_ranges(ranges_in("parameters", self.parameters)),
        )


ANYTHING = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """`show` counts the mechanisms from the beginning of the page, in steps of STEP. `families` are the categories,
    each with those below it; `match` says whether any or all of them are meant."""

    text: str
    category_ids: tuple[CategoryId, ...]
    sort: Sort
    bounds: Bounds = ANYTHING
    page: int = 1
    show: int = STEP
    match: CategoryMatch = CategoryMatch.ANY
    families: tuple[tuple[CategoryId, ...], ...] = ()

    @property
    def filter(self) -> MechanismFilter:
        """The conditions but the words. Raises InvalidField for more categories than a mechanism can have."""
        return self.bounds.search_filter().in_categories(self.families, self.match)

    @property
    def other_match(self) -> "Conditions | None":
        """The conditions that ask for all of the categories if these ask for any of them, or the reverse; None for
        fewer than two categories."""
        if len(self.category_ids) < 2:
            return None
        other = CategoryMatch.ANY if self.match is CategoryMatch.ALL else CategoryMatch.ALL
        return replace(self, match=other, page=1, show=STEP)

    def with_families(self, families: tuple[tuple[CategoryId, ...], ...]) -> "Conditions":
        """Returns the conditions with the categories to which their ids lead, each with those below it."""
        return replace(self, families=families, category_ids=tuple(one[0] for one in families))

    @property
    def is_search(self) -> bool:
        return bool(self.text or self.bounds.values)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.is_search or self.category_ids)

    @property
    def sorts(self) -> tuple[Sort, ...]:
        """The orders that the person can choose from; the first one is the default."""
        return _sorts(self.is_search)

    @property
    def offset(self) -> int:
        """How many mechanisms the pages before this one show."""
        return (self.page - 1) * WINDOW

    @property
    def is_of_all(self) -> bool:
        """Whether several categories are given, and all of them are meant."""
        return self.match is CategoryMatch.ALL and len(self.category_ids) > 1

    @property
    def address(self) -> str:
        return self._address("/")

    @property
    def cards_address(self) -> str:
        """The address of only the last STEP cards of the page."""
        return self._address("/cards")

    def sorted_by(self, sort: Sort) -> "Conditions":
        return replace(self, sort=sort, page=1, show=STEP)

    def toggled(self, category_id: CategoryId) -> "Conditions":
        """Returns the conditions with the category if they lack it, else without it."""
        others = tuple(id for id in self.category_ids if id != category_id)
        chosen = others if category_id in self.category_ids else (*others, category_id)
        return replace(self, category_ids=chosen, page=1, show=STEP)

    def at_level(self, level: int) -> "Conditions":
        """Returns the conditions with this least level of reliability; without one if they have it already."""
        least = "" if self.bounds.reliability_min == str(level) else str(level)
        return self._bounded(replace(self.bounds, reliability_min=least))

    def _bounded(self, bounds: Bounds) -> "Conditions":
        sort = _sort(self.sort.value, is_search=bool(self.text or bounds.values))
        return replace(self, bounds=bounds, sort=sort, page=1, show=STEP)

    def without_categories(self) -> "Conditions":
        return replace(self, category_ids=(), families=(), page=1, show=STEP)

    def without_bounds(self) -> "Conditions":
        return self._bounded(ANYTHING)

    def spelled(self, text: str) -> "Conditions":
        return replace(self, text=text, page=1, show=STEP)

    def without(self, name: str) -> "Conditions":
        """Returns the conditions without the filter of this name, as in SearchHelp."""
        empty = {
            "author": {"author": ""},
            "created": {"created_from": "", "created_to": ""},
            "duration": {"duration_min": "", "duration_max": ""},
            "motion": {"period_min": "", "period_max": "", "loops": ""},
            "reliability": {"reliability_min": ""},
            "license": {"license": ""},
            "parameters": {"parameters": ""},
        }
        if name == "category":
            return self.without_categories()
        if name == "all":
            return self.without_categories().without_bounds()
        return self._bounded(replace(self.bounds, **empty[name]))

    def has_more(self, shown: int, total: int) -> bool:
        """Whether mechanisms follow the `shown` ones of this page."""
        return shown == self.show and self.offset + shown < total

    def more(self) -> "Conditions | None":
        """Returns the conditions that show the next mechanisms: on this page, or on the next one if it is full.

        None after the last page.
        """
        if self.show < WINDOW:
            return replace(self, show=self.show + STEP)
        return self.at_page(self.page + 1) if self.page < MAX_PAGE else None

    def at_page(self, page: int) -> "Conditions":
        return replace(self, page=page, show=STEP)

    def _address(self, path: str) -> str:
        query: list[tuple[str, str]] = [("q", self.text)] if self.text else []
        query += [("category", category_id) for category_id in self.category_ids]
        query += [("category_match", self.match.value)] if self.is_of_all else []
        query += list(self.bounds.values.items())
        query += [("sort", self.sort.value)] if self.sort is not self.sorts[0] else []
        query += [("page", str(self.page))] if self.page > 1 else []
        query += [("show", str(self.show))] if self.show > STEP else []
        return f"{path}?{urlencode(query)}" if query else path


def conditions_of(
    text: str,
    category_ids: Iterable[str],
    sort: str | None,
    page: int,
    show: int,
    bounds: Bounds = ANYTHING,
    match: CategoryMatch = CategoryMatch.ANY,
) -> Conditions:
    """Returns the conditions of an address. Raises InvalidField, MalformedRequest.

    An order of the list that a search does not have, or the reverse, gives the default order: a person who begins to
    search should not lose the page.
    """
    cleaned = clean_query(text)
    bounds.search_filter()
    return Conditions(
        text=cleaned,
        category_ids=tuple(map(CategoryId, dict.fromkeys(category_ids))),
        sort=_sort(sort, is_search=bool(cleaned or bounds.values)),
        bounds=bounds,
        match=match,
        page=page,
        show=min(-(-show // STEP) * STEP, WINDOW),
    )


def _sorts(is_search: bool) -> tuple[Sort, ...]:
    if is_search:
        return tuple(SearchSort)
    first = MechanismSort.RECENTLY_PUBLISHED
    return (first, *(sort for sort in MechanismSort if sort is not first))


def _sort(name: str | None, *, is_search: bool) -> Sort:
    for sort in _sorts(is_search):
        if sort.value == name:
            return sort
    names = [sort.value for sort in (*SearchSort, *MechanismSort)]
    if name is not None and name not in names:
        allowed = ", ".join(dict.fromkeys(names))
        raise MalformedRequest(problem="see details.", details=[("sort", f"must be one of: {allowed}.")])
    return _sorts(is_search)[0]


def _day(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as problem:
        raise InvalidField(
            name,
            en="Enter a date such as 2026-01-31.",
            ja="日付は 2026-01-31 のように入力してください。",
        ) from problem


def _following(day: datetime) -> datetime:
    """Returns the beginning of the next day; of the last day that there is, its end."""
    return day + timedelta(days=1) if day.date() < date.max else datetime.max.replace(tzinfo=UTC)


def _level(name: str, text: str) -> int | None:
    if not text:
        return None
    if text not in ("1", "2", "3", "4", "5"):
        raise InvalidField(
            name,
            en="Choose a level of reliability from 1 to 5.",
            ja="信頼度は 1〜5 から選択してください。",
        )
    return int(text)


def _seconds(name: str, text: str) -> float | None:
    if not text:
        return None
    if not _SECONDS.fullmatch(text):
        raise InvalidField(
            name,
            en="Enter a duration or period in seconds, such as 2.5.",
            ja="長さや周期は 2.5 のように秒数で入力してください。",
        )
    return min(float(text), MAX_DURATION)
