"""Categories."""

from typing import Protocol

from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.ids import CategoryId


class CategoryRepository(Protocol):
    async def find_by_id(self, id: CategoryId) -> Category | None: ...

    async def find_all(self) -> tuple[Category, ...]:
        """In the order in which they were created (then by identifier)."""

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        """The same, each with its number of published mechanisms: all of those are counted, which takes a while."""

    async def save(self, category: Category) -> Category:
        """As for users; NameTaken when a new category's identifier is in use."""

    async def delete(self, id: CategoryId) -> None:
        """Raises CategoryInUse while any mechanism, published or not, is in it."""
