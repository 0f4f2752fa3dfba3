"""Cache keys of public responses: one type for each kind of response."""

from dataclasses import dataclass, replace

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.search import SearchSort
from mechshare.services.response_cache import ResponseKey
from mechshare.services.support.invalidation import (
    CATEGORIES,
    INTERNAL_COUNTS,
    PUBLIC_LISTS,
    SEARCHES,
    counts_tag,
    list_tag,
    mechanism_tag,
)

STRUCTURE_KEY = ResponseKey(PUBLIC_LISTS, "structure")
"""The key of a random text that changes when lists of the same conditions may have other keys, since categories were
created, moved, merged or deleted."""
INTERNAL_COUNTS_KEY = ResponseKey(INTERNAL_COUNTS, "all")


def mechanism_key(id: MechanismId) -> ResponseKey:
    """Returns the key of one mechanism."""
    return ResponseKey(counts_tag(id), "public")


def encoded_key(id: MechanismId) -> ResponseKey:
    """Returns the key of one mechanism whose `stats` may be outdated."""
    return ResponseKey(mechanism_tag(id), "public")


@dataclass(frozen=True, slots=True)
class CategoriesKey:
    """The categories with their numbers of mechanisms."""

    @property
    def response_key(self) -> ResponseKey:
        return ResponseKey(CATEGORIES, "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """A page of mechanisms. The link to the next page contains `path` and `query`."""

    path: str
    query: tuple[tuple[str, str], ...]
    filter: MechanismFilter
    sort: MechanismSort
    request: PageRequest

    @property
    def response_key(self) -> ResponseKey:
        # repr quotes user input, so that different requests never share a key.
        return ResponseKey(self._tag, repr(self))

    @property
    def count_key(self) -> ResponseKey:
        """The key of the count, which all pages and orders of a list share."""
        return ResponseKey(self._tag, f"count|{self.filter.conditions}")

    @property
    def _tag(self) -> str:
        filter = self.filter
        return list_tag(() if filter.families else filter.category_ids, filter.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchKey:
    """A page of search results. The link to the next page contains `path` and `query`."""

    path: str
    query: tuple[tuple[str, str], ...]
    text: str
    user_id: UserId | None
    author: str
    within: MechanismFilter
    sort: SearchSort
    request: PageRequest

    @property
    def conditions(self) -> str:
        """What is searched for, as text."""
        narrowed = replace(self.within, user_id=self.user_id)
        return f"{self.text!r}|{self.author!r}|{narrowed.conditions}"

    @property
    def response_key(self) -> ResponseKey:
        # Index jobs refresh SEARCHES after they write.
        return ResponseKey(SEARCHES, repr(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarKey:
    """The mechanisms that move as one does."""

    mechanism_id: MechanismId
    limit: int

    @property
    def response_key(self) -> ResponseKey:
        # What may no longer be found invalidates SEARCHES.
        return ResponseKey(SEARCHES, repr(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsKey:
    """Titles that complete a text."""

    text: str
    limit: int

    @property
    def response_key(self) -> ResponseKey:
        return ResponseKey(SEARCHES, repr(self))
