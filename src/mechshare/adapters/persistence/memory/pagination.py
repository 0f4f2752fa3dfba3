"""Pages of values in memory."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from mechshare.domain.pagination import EXACT_TOTAL, Page, PageRequest, Position, SortKey

T = TypeVar("T")


def paged(
    items: Iterable[T],
    request: PageRequest,
    *,
    key: Callable[[T], tuple[SortKey, str]],
    descending: bool,
) -> Page[T]:
    """Returns the page of `items` that `request` describes, ordered by `key`: (sort key, identifier)."""
    ordered = sorted(items, key=key, reverse=descending)
    start = request.offset
    if request.after is not None:
        place = (request.after.key, request.after.id)
        passed = [key(item) >= place if descending else key(item) <= place for item in ordered]
        start += passed.index(False) if False in passed else len(ordered)
    found = ordered[start : start + request.limit]
    ends = start + request.limit >= len(ordered)
    counted = len(ordered) if request.counted is None else request.counted
    return Page(
        items=tuple(found),
        page=request.page,
        limit=request.limit,
        total=min(counted, EXACT_TOTAL),
        total_is_exact=counted <= EXACT_TOTAL,
        next=None if ends else _position(key(found[-1])),
    )


def _position(key: tuple[SortKey, str]) -> Position:
    return Position(key=key[0], id=key[1])
