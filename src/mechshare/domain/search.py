"""What is searched, what is asked, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.text import clean_text

MAX_QUERY_LENGTH = 200
MAX_HIT_OFFSET = 10_000
"""The furthest hit that a page number reaches: to find it, all before it are ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDocument:
    """A mechanism as the index holds it. A document with a lower `version` never replaces one with a higher."""

    mechanism_id: MechanismId
    version: int
    title: str
    description: str
    category_ids: tuple[CategoryId, ...]
    category_names: tuple[str, ...]
    user_id: UserId
    author_name: str
    is_published: bool
    created_at: datetime


class SearchSort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "-created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """`text` empty matches everything. `published_only` is decided by `mechshare.domain.policy`, never by a caller."""

    text: str = ""
    category_ids: tuple[CategoryId, ...] = ()
    user_id: UserId | None = None
    published_only: bool = True
    sort: SearchSort = SearchSort.RELEVANCE
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`highlights` maps a field (`title`, `description`) to an excerpt as ((text, is_match), ...)."""

    mechanism_id: MechanismId
    score: float
    highlights: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """`total` counts the matches and `facets` those in each category: all of them, or EXACT_TOTAL + 1 at least."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[CategoryId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMechanism:
    found: AuthoredMechanism
    highlights: Mapping[str, tuple[tuple[str, bool], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Search results with their mechanisms. `total` counts up to EXACT_TOTAL, and says nothing beyond it unless
    `total_is_exact`; `facets` as in SearchResult.

    A `degraded` one comes from the database alone: newest first, without facets and highlights.
    """

    items: tuple[FoundMechanism, ...]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    facets: Mapping[CategoryId, int]
    degraded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """There are no titles in `degraded` ones, which says nothing about the titles there are."""

    titles: tuple[str, ...] = ()
    degraded: bool = False


def clean_query(text: str) -> str:
    return clean_text("q", text, min_length=0, max_length=MAX_QUERY_LENGTH)


def document_of(authored: AuthoredMechanism, category_names: tuple[str, ...]) -> SearchDocument:
    mechanism = authored.mechanism
    return SearchDocument(
        mechanism_id=mechanism.id,
        version=mechanism.version,
        title=mechanism.title,
        description=mechanism.description,
        category_ids=mechanism.categories,
        category_names=category_names,
        user_id=mechanism.user_id,
        author_name=authored.author.display_name,
        is_published=mechanism.is_published,
        created_at=mechanism.created_at,
    )
