"""Pages of lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 10_000
"""The maximum number of items that a page number skips; a cursor costs the same at any depth."""
EXACT_TOTAL = 10_000
"""Totals are exact up to this number; beyond it, counting would cost more than the page."""

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
SortKey = datetime | str | int | float


class KeyType(Enum):
    """The type of a sort column; the value names the type in a cursor."""

    TIME = "time"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOrder:
    """An order of a list: by the values of `column`, then by identifier in the same direction.

    Callers choose it by `name`.
    """

    name: str
    column: str
    key_type: KeyType
    is_descending: bool


NEWEST_FIRST = SortOrder(name="", column="created_at", key_type=KeyType.TIME, is_descending=True)
"""The default order of lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a sorted list: just after the item with this sort key and identifier (keyset paging)."""

    key: SortKey
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A requested page. `page` counts from 1 and sets where the page begins, unless `after` is given.

    `counted` is the length of the list if it is known already, EXACT_TOTAL + 1 if it exceeds EXACT_TOTAL.
    """

    page: int = 1
    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    counted: int | None = None

    @property
    def offset(self) -> int:
        """The number of skipped items."""
        return 0 if self.after else (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """A page. `total` counts the whole list, exactly if `total_is_exact`; the next page begins at `next`."""

    items: tuple[T_co, ...]
    page: int
    limit: int
    total: int
    total_is_exact: bool = True
    next: Position | None = None

    @property
    def counted(self) -> int:
        """The length of the list, for the next `PageRequest`."""
        return self.total if self.total_is_exact else EXACT_TOTAL + 1

    def with_items(self, items: tuple[U, ...]) -> "Page[U]":
        """Returns the page with other items in place of its own, such as what they refer to."""
        return Page(
            items=items,
            page=self.page,
            limit=self.limit,
            total=self.total,
            total_is_exact=self.total_is_exact,
            next=self.next,
        )


def how_many(count: int) -> str:
    """Returns a count as text; EXACT_TOTAL + 1 stands for any number above EXACT_TOTAL."""
    return f"more than {EXACT_TOTAL:,}" if count > EXACT_TOTAL else str(count)
