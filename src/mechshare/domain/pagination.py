"""Lists, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 10_000
"""How many items a page number passes over at most; further on, a cursor costs the same at any depth."""
EXACT_TOTAL = 10_000
"""Totals are counted up to here; beyond it, counting would cost more than the page."""

T_co = TypeVar("T_co", covariant=True)
SortKey = datetime | str | int | float


class KeyType(Enum):
    """What the values of a sort column are; the value names the type inside a cursor."""

    TIME = "time"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOrder:
    """An order of a list: by the values of `column`, then by identifier in the same direction.

    `name` is what callers choose it by.
    """

    name: str
    column: str
    key_type: KeyType
    is_descending: bool


NEWEST_FIRST = SortOrder(name="", column="created_at", key_type=KeyType.TIME, is_descending=True)
"""The order of lists that have no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a sorted list: just after the item with this sort key and identifier (keyset paging)."""

    key: SortKey
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page is wanted. `page` counts from 1, and says where the page begins unless `after` does.

    `counted` is the length of the list where that is known already, EXACT_TOTAL + 1 if it is more than EXACT_TOTAL.
    """

    page: int = 1
    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    counted: int | None = None

    @property
    def offset(self) -> int:
        """How many items are passed over."""
        return 0 if self.after else (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """One page. `total` counts the whole list, exactly while `total_is_exact`; `next` is where the next page begins."""

    items: tuple[T_co, ...]
    page: int
    limit: int
    total: int
    total_is_exact: bool = True
    next: Position | None = None

    @property
    def counted(self) -> int:
        """For `PageRequest`: what need not be counted again."""
        return self.total if self.total_is_exact else EXACT_TOTAL + 1


def how_many(count: int) -> str:
    """A count that stops one beyond EXACT_TOTAL, in words."""
    return f"more than {EXACT_TOTAL:,}" if count > EXACT_TOTAL else str(count)
