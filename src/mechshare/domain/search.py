"""Queries and results of searches."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypedDict

from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.errors import InvalidField, MalformedRequest
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.motion import MotionKind
from mechshare.domain.pagination import EXACT_TOTAL, KeyType, PageRequest, Position, SortOrder
from mechshare.domain.text import clean_text

MAX_QUERY_LENGTH = 200
MAX_UNFOLDED_LENGTH = 4 * MAX_QUERY_LENGTH
"""Characters of a query after NFKC, by which a ligature becomes up to 18 of them."""
MAX_EXCLUDED = 1_000
"""The most mechanisms that one search or suggestion excludes."""

OF_DATABASE = -1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POSITION = re.compile(
    r"(?P<length>-1|\d{1,9})\.(?P<microseconds>-?\d{1,16})\.(?P<id>[-0-9a-zA-Z_]{1,64})", re.ASCII
)

Synonyms = tuple[tuple[str, tuple[str, ...]], ...]
"""(words of a query, their other names), ..."""
WordParts = tuple[tuple[str, Synonyms], ...]
"""(a word of a query, the terms within it with their other names), ..."""


class SearchSort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "-created_at"
    MOST_RELIABLE = "-reliability"

    def effective(self, *, is_blank: bool) -> "SearchSort":
        """Returns the order of a search: NEWEST in place of RELEVANCE if it has no words, which all then match
        alike."""
        return SearchSort.NEWEST if is_blank and self is SearchSort.RELEVANCE else self

    @property
    def order(self) -> SortOrder:
        """The order as cursors name it; their key is `SearchPlace.score`."""
        return SortOrder(name=self.value, column="score", key_type=KeyType.NUMBER, is_descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlace:
    """A place among results: just after this hit. Only the index that made it can continue from it.

    `score` and `title_length` are those by which the index sorts, 0 if it does not; `score` is the level of reliability
    if it sorts by that. Of a result of the database, `title_length` is OF_DATABASE.
    """

    score: float
    title_length: int
    created_at: datetime
    mechanism_id: MechanismId

    @property
    def is_of_database(self) -> bool:
        return self.title_length == OF_DATABASE

    @property
    def position(self) -> Position:
        """The place as a position of a list, for a cursor."""
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        return Position(key=self.score, id=f"{self.title_length}.{microseconds}.{self.mechanism_id}")


def place_at(position: Position) -> SearchPlace:
    """Returns the place that has this position. Raises MalformedRequest if none has."""
    found = _POSITION.fullmatch(position.id)
    if found is None or not isinstance(position.key, int | float):
        raise MalformedRequest(
            problem="see details.",
            details=[("cursor", "is not the 'next' of a search. Begin again without it.")],
        )
    return SearchPlace(
        score=float(position.key),
        title_length=int(found["length"]),
        created_at=_EPOCH + int(found["microseconds"]) * _MICROSECOND,
        mechanism_id=MechanismId(found["id"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery(MechanismFilter):
    """An empty `text` matches everything. Finds what is published for somebody of the `audience`, or everything unless
    `published_only`; `mechshare.domain.policy` decides on both, never a caller. The conditions of a MechanismFilter
    narrow it.

    `synonyms` are words of `text` with other names for the same thing, by which a mechanism is found too; `parts` are
    terms within words, by whose other names a mechanism is found if there are few others.

    With `after`, the hits that follow this place, whatever the `offset`; total and facets stay those of all matches.
    The mechanisms `excluded`, at most MAX_EXCLUDED, are in no hit, total or facet.
    """

    text: str = ""
    published_only: bool = True
    audience: Audience = PUBLIC_AUDIENCE
    excluded: tuple[MechanismId, ...] = ()
    synonyms: Synonyms = ()
    parts: WordParts = ()
    sort: SearchSort = SearchSort.RELEVANCE
    offset: int = 0
    limit: int = 20
    after: SearchPlace | None = None

    @property
    def without_filters(self) -> Mapping[str, "SearchQuery"]:
        """The query without each of its filters, and without all if there are several, by the names of SearchHelp.

        Without an author, only published mechanisms are found.
        """
        without: dict[str, Any] = {
            "category": {"category_ids": (), "families": ()} if self.category_ids or self.families else {},
            "author": {"user_id": None, "published_only": True} if self.user_id is not None else {},
            "created": _cleared(created_from=self.created_from, created_before=self.created_before),
            "duration": _cleared(min_duration_ms=self.min_duration_ms, max_duration_ms=self.max_duration_ms),
            "motion": _cleared(
                min_period_ms=self.min_period_ms,
                max_period_ms=self.max_period_ms,
                motion=self.motion,
                loops=self.loops,
            ),
            "reliability": _cleared(reliability_min=self.reliability_min),
            "license": {"licenses": ()} if self.licenses else {},
            "parameters": {"ranges": ()} if self.ranges else {},
        }
        chosen = {name: changes for name, changes in without.items() if changes}
        if len(chosen) > 1:
            chosen["all"] = {name: value for changes in chosen.values() for name, value in changes.items()}
        return {name: replace(self, **changes) for name, changes in chosen.items()}

    @property
    def filter(self) -> MechanismFilter:
        """The conditions that lists know, too."""
        return MechanismFilter(**_conditions_of(self))


def query_within(filter: MechanismFilter, **others: Any) -> SearchQuery:
    """Returns the query with the conditions of `filter`, and with `others`."""
    return SearchQuery(**_conditions_of(filter), **others)


def _conditions_of(filter: MechanismFilter) -> dict[str, Any]:
    return {field.name: getattr(filter, field.name) for field in fields(MechanismFilter)}


def _cleared(**bounds: object) -> dict[str, None]:
    return dict.fromkeys(bounds) if any(value is not None for value in bounds.values()) else {}


class SearchConditions(TypedDict, total=False):
    """What narrows and orders a search.

    `author` is a user name; empty means anybody. Of `within`, the conditions about categories, time, duration, motion
    and what the author states count. With `after`, the `next` of another page of this search, a search returns what
    follows it and calls it `page`.
    """

    user_id: UserId | None
    author: str
    within: MechanismFilter
    sort: SearchSort
    page: int
    limit: int
    after: Position | None


DEFAULT_CONDITIONS = SearchConditions(
    user_id=None,
    author="",
    within=EVERY_MECHANISM,
    sort=SearchSort.RELEVANCE,
    page=1,
    limit=20,
    after=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`highlights` maps a field (`title`, `description`, `document`) to an excerpt as ((text, is_match), ...). `page`
    is the page of the excerpt of `document`, if it has one. `version` is that of the document found, `place` is just
    after it. `score` is the level of reliability where that orders the hits, else the relevance."""

    mechanism_id: MechanismId
    version: int
    score: float
    place: SearchPlace
    highlights: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """`total` counts the matches, `facets` those in each category, `levels` those of each level of reliability (0
    without one) and `motions` those of each kind of motion, up to at least EXACT_TOTAL + 1. `expanded` are the
    terms of the query that were searched for by other names, too, with these names. Without hits, `nearest` are
    words of the query with words of the index that resemble them."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[CategoryId, int]
    levels: Mapping[int, int] = field(default_factory=dict)
    motions: Mapping[MotionKind, int] = field(default_factory=dict)
    expanded: Synonyms = ()
    nearest: Synonyms = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMechanism:
    """`highlights` and `page` as in Hit."""

    found: AuthoredMechanism
    highlights: Mapping[str, tuple[tuple[str, bool], ...]]
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHelp:
    """How to find mechanisms after a search without hits: the query in other `spellings`, and how many mechanisms there
    are `without` one filter (`category`, `author`, `created`, `duration`, `motion`, `reliability`, `license`,
    `parameters`) or without `all` of several."""

    spellings: tuple[str, ...] = ()
    without: Mapping[str, int] = field(default_factory=dict)


NO_HELP = SearchHelp()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Search results with their mechanisms. `total` is at most EXACT_TOTAL; there are more matches unless
    `total_is_exact`. `facets`, `levels` and `motions` as in SearchResult.

    `expanded` are the terms of the query with the other names by which mechanisms were found, too. A `degraded` page
    comes from the database: newest first, or most reliable first, without facets, highlights and `expanded`. A page
    that is not `is_complete` lacks mechanisms that wait to be indexed. `next` is None on the last page. A page without
    any match has `help`.
    """

    items: tuple[FoundMechanism, ...]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    facets: Mapping[CategoryId, int]
    levels: Mapping[int, int] = field(default_factory=dict)
    motions: Mapping[MotionKind, int] = field(default_factory=dict)
    expanded: Synonyms = ()
    degraded: bool = False
    is_complete: bool = True
    next: Position | None = None
    help: SearchHelp = NO_HELP


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHits:
    """The hits that the index found for a page.

    A mechanism may have changed since it was indexed: check the policy and the version before you show a hit. `page`
    has no items yet, unless it is degraded; a degraded page has its items, and there are no hits.
    """

    hits: tuple[Hit, ...]
    page: SearchPage


def hits_of_page(
    result: SearchResult, request: PageRequest, help: SearchHelp, *, is_complete: bool
) -> FoundHits:
    """Returns the page of hits of a `result` that has one hit more if another page follows."""
    hits = result.hits[: request.limit]
    is_exact = result.total <= EXACT_TOTAL
    page = SearchPage(
        items=(),
        page=request.page,
        limit=request.limit,
        total=result.total if is_exact else EXACT_TOTAL,
        total_is_exact=is_exact,
        facets=result.facets,
        levels=result.levels,
        motions=result.motions,
        expanded=result.expanded,
        is_complete=is_complete,
        next=hits[-1].place.position if len(result.hits) > request.limit else None,
        help=help,
    )
    return FoundHits(hits=hits, page=page)


def clean_query(text: str) -> str:
    """Returns the query with its text normalised. Raises InvalidField, also if its ligatures unfold to far more."""
    cleaned = clean_text("q", text, min_length=0, max_length=MAX_QUERY_LENGTH)
    if len(unicodedata.normalize("NFKC", cleaned)) > MAX_UNFOLDED_LENGTH:
        raise InvalidField(
            "q",
            en="has too many ligatures: write them as single letters.",
            ja="合字が多すぎます。1 文字ずつ入力してください。",
        )
    return cleaned
