"""Categories in memory."""

from collections import Counter

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.tables import CATEGORIES, MECHANISMS
from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.errors import CategoryInUse, NameTaken
from mechshare.domain.ids import CategoryId
from mechshare.ports.persistence.categories import CategoryRepository


class MemoryCategoryRepository(CategoryRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: CategoryId) -> Category | None:
        return self._access.read(CATEGORIES).find(id)

    async def find_all(self) -> tuple[Category, ...]:
        return tuple(sorted(self._access.read(CATEGORIES), key=lambda one: (one.created_at, one.id)))

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        published = (one for one in self._access.read(MECHANISMS) if one.is_public)
        counts = Counter(category for mechanism in published for category in mechanism.categories)
        return tuple(
            CategoryCount(category=one, mechanism_count=counts[one.id]) for one in await self.find_all()
        )

    async def save(self, category: Category) -> Category:
        categories = self._access.write(CATEGORIES)
        if category.version == 0 and categories.find(category.id) is not None:
            raise NameTaken(field="id", value=category.id)
        return categories.save(category)

    async def delete(self, id: CategoryId) -> None:
        count = sum(id in mechanism.categories for mechanism in self._access.read(MECHANISMS))
        if count:
            raise CategoryInUse(count=count)
        self._access.write(CATEGORIES).delete(id)
