"""Lists, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 50_000
"""The furthest item that a page number reaches; further on, a cursor costs the same at any depth."""
MAX_SKIP = 1_000
"""How many items after a place a page may begin."""
EXACT_TOTAL = 10_000
"""Totals are counted up to here; beyond it, counting would cost more than the page."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a sorted list: just after the item with this sort key and identifier (keyset paging)."""

    key: datetime | str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page is wanted. `page` counts from 1 and is ignored when `after` says where to go on, `skip` items later.
    MAX_SKIP is the most.

    `counted` is how many items the list has, EXACT_TOTAL + 1 if more than EXACT_TOTAL, where that is known already.
    `landmark`, from 1 to `offset`, is how many of the items that are passed over lie before a place that is to be told.
    """

    page: int = 1
    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    skip: int = 0
    counted: int | None = None
    landmark: int | None = None

    def __post_init__(self) -> None:
        if self.skip > MAX_SKIP:
            raise ValueError(f"a page begins at most {MAX_SKIP} items after a place, not {self.skip}")

    @property
    def offset(self) -> int:
        """How many items are passed over: from `after` on, or else from the list's begin."""
        return self.skip if self.after else (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """One page. `total` counts the whole list, exactly while `total_is_exact`; `next` is where the next page begins.

    `landmark` is the place that was asked for, if the list goes as far.
    """

    items: tuple[T_co, ...]
    page: int
    limit: int
    total: int
    total_is_exact: bool = True
    next: Position | None = None
    landmark: Position | None = None

    @property
    def counted(self) -> int:
        """For `PageRequest`: what need not be counted again."""
        return self.total if self.total_is_exact else EXACT_TOTAL + 1


def how_many(count: int) -> str:
    """A count that stops one beyond EXACT_TOTAL, as it is told."""
    return f"more than {EXACT_TOTAL:,}" if count > EXACT_TOTAL else str(count)
