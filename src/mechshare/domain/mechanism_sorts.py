"""The orders of lists of mechanisms."""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum

from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import KeyType, SortKey, SortOrder
from mechshare.domain.statistics import Counts


class MechanismSort(StrEnum):
    """The orders of a list. Equal keys are ordered by identifier, in the same direction."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    RECENTLY_PUBLISHED = "-published_at"
    RECENTLY_CHANGED = "-updated_at"
    TITLE = "title"
    MOST_RELIABLE = "-reliability"
    PERIOD = "period"
    POPULAR = "popular"
    VIEWS = "views"
    LIKES = "likes"
    COMMENTS = "comments"

    @property
    def order(self) -> SortOrder:
        """The column, its type and the direction."""
        return SORT_ORDERS[self]


SORT_ORDERS: Mapping[MechanismSort, SortOrder] = {
    sort: SortOrder(name=sort.value, column=column, key_type=key_type, is_descending=is_descending)
    for sort, column, key_type, is_descending in (
        (MechanismSort.NEWEST, "created_at", KeyType.TIME, True),
        (MechanismSort.OLDEST, "created_at", KeyType.TIME, False),
        (MechanismSort.RECENTLY_PUBLISHED, "new_since", KeyType.TIME, True),
        (MechanismSort.RECENTLY_CHANGED, "updated_at", KeyType.TIME, True),
        (MechanismSort.TITLE, "title", KeyType.TEXT, False),
        (MechanismSort.PERIOD, "period_rank", KeyType.NUMBER, False),
        (MechanismSort.POPULAR, "popularity", KeyType.NUMBER, True),
        (MechanismSort.VIEWS, "views", KeyType.NUMBER, True),
        (MechanismSort.LIKES, "likes", KeyType.NUMBER, True),
        (MechanismSort.COMMENTS, "comments", KeyType.NUMBER, True),
        (MechanismSort.MOST_RELIABLE, "reliability_rank", KeyType.NUMBER, True),
    )
}
"""Titles compare by code point. Mechanisms without a stated level follow those of level 1, and those without
a period precede those with the shortest. What is counted is ordered as it was last counted, the most first."""


_COUNTED = frozenset(field.name for field in fields(Counts))


def sort_key(mechanism: Mechanism, sort: MechanismSort) -> SortKey:
    """Returns the value by which `sort` orders."""
    column = sort.order.column
    key: SortKey = getattr(mechanism.counts if column in _COUNTED else mechanism, column)
    return key
