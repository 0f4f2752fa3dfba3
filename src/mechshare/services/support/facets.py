"""Takes what a caller may not see out of the facets of a search."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanisms import Mechanism
from mechshare.ports.persistence.database import UnitOfWork

Value = TypeVar("Value")


async def families_of(tx: UnitOfWork, mechanisms: Sequence[Mechanism]) -> list[set[CategoryId]]:
    """Returns for each mechanism its categories and their parents."""
    if not mechanisms:
        return []
    parents = {one.id: one.parent_id for one in await tx.categories.find_all() if one.parent_id}
    return [{*one.categories, *(parents[id] for id in one.categories if id in parents)} for one in mechanisms]


def without(hidden: Iterable[Value], facets: Mapping[Value, int]) -> Mapping[Value, int]:
    """Returns `facets` without the values of mechanisms that the index still shows."""
    counts = Counter(hidden)
    left = {value: count - counts[value] for value, count in facets.items()}
    return {value: count for value, count in left.items() if count > 0}
