"""Cache keys of public responses: one type for each kind of response."""

from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.search import SearchSort
from mechshare.services.response_cache import ResponseKey
from mechshare.services.support.invalidation import CATEGORIES, SEARCHES, list_tag, mechanism_tag

CATEGORIES_KEY = ResponseKey(CATEGORIES, "all")


def mechanism_key(id: MechanismId) -> ResponseKey:
    """Returns the key of one mechanism."""
    return ResponseKey(mechanism_tag(id), "public")


def list_conditions(
    category_ids: Sequence[str], user_id: str | None, reliability_min: int | None = None
) -> str:
    """Returns the filters of a list as text; equal filters give equal texts."""
    narrowed = "" if reliability_min is None else f"|{reliability_min}"
    return f"{sorted(category_ids)}|{user_id!r}{narrowed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """A page of mechanisms. The link to the next page contains `path` and `query`."""

    path: str
    query: tuple[tuple[str, str], ...]
    category_ids: tuple[CategoryId, ...]
    user_id: UserId | None
    sort: MechanismSort
    request: PageRequest
    reliability_min: int | None = None

    @property
    def response_key(self) -> ResponseKey:
        # repr quotes user input, so that different requests never share a key.
        return ResponseKey(list_tag(self.category_ids, self.user_id), repr(self))

    @property
    def count_key(self) -> ResponseKey:
        """The key of the count, which all pages and orders of a list share."""
        return ResponseKey(list_tag(self.category_ids, self.user_id), f"count|{self.conditions}")

    @property
    def conditions(self) -> str:
        """The filters of the list as text."""
        return list_conditions(self.category_ids, self.user_id, self.reliability_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchKey:
    """A page of search results."""

    text: str
    category_ids: tuple[CategoryId, ...]
    user_id: UserId | None
    sort: SearchSort
    page: int
    limit: int

    @property
    def response_key(self) -> ResponseKey:
        # Index jobs refresh SEARCHES after they write.
        return ResponseKey(SEARCHES, repr(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsKey:
    """Titles that complete a text."""

    text: str
    limit: int

    @property
    def response_key(self) -> ResponseKey:
        return ResponseKey(SEARCHES, repr(self))
