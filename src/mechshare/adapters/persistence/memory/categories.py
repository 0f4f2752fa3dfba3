"""Categories in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.shares import shares_with
from mechshare.adapters.persistence.memory.table import Column, Table
from mechshare.adapters.persistence.memory.tables import CATEGORIES, KEY, MECHANISMS
from mechshare.domain.categories import Category, CategoryCount, CategoryRedirect
from mechshare.domain.errors import CategoryInUse, NameTaken
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.visibility import Visibility
from mechshare.ports.persistence.categories import CategoryRedirectRepository, CategoryRepository

CATEGORY_REDIRECTS = Table(
    "category_redirects",
    CategoryRedirect,
    id=KEY,
    target_id=Column(refers_to=CATEGORIES, cascades=True),
)


class MemoryCategoryRepository(CategoryRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: CategoryId) -> Category | None:
        return self._access.read(CATEGORIES).find(id)

    async def find_all(self) -> tuple[Category, ...]:
        return tuple(sorted(self._access.read(CATEGORIES), key=lambda one: (one.created_at, one.id)))

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        public = await self._by_family(one for one in self._access.read(MECHANISMS) if one.is_public)
        return tuple(
            CategoryCount(category=one, mechanism_count=public.get(one.id, 0))
            for one in await self.find_all()
        )

    async def count_restricted(self, reader: UserId | None = None) -> Mapping[CategoryId, int]:
        if reader is None:
            return await self._by_family(self._published(Visibility.INTERNAL))
        shared = {share.mechanism_id for share in shares_with(self._access, reader)}
        private = self._published(Visibility.PRIVATE)
        return await self._by_family(one for one in private if one.user_id == reader or one.id in shared)

    def _published(self, visibility: Visibility) -> list[Mechanism]:
        every = self._access.read(MECHANISMS)
        return [one for one in every if one.is_published and one.visibility is visibility]

    async def _by_family(self, mechanisms: Iterable[Mechanism]) -> Mapping[CategoryId, int]:
        every = await self.find_all()
        placed = [set(one.categories) for one in mechanisms]
        families = {
            one.id: {each.id for each in every if one.id in (each.id, each.parent_id)} for one in every
        }
        counts = {id: sum(not family.isdisjoint(its) for its in placed) for id, family in families.items()}
        return {id: count for id, count in counts.items() if count}

    async def find_children(self, ids: Sequence[CategoryId]) -> tuple[Category, ...]:
        return tuple(one for one in await self.find_all() if one.parent_id in ids)

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


class MemoryCategoryRedirectRepository(CategoryRedirectRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, ids: Sequence[CategoryId]) -> tuple[CategoryRedirect, ...]:
        return tuple(one for one in await self.find_all() if one.id in ids)

    async def find_all(self) -> tuple[CategoryRedirect, ...]:
        return tuple(sorted(self._access.read(CATEGORY_REDIRECTS), key=lambda one: one.id))

    async def add(self, redirect: CategoryRedirect) -> None:
        redirects = self._access.write(CATEGORY_REDIRECTS)
        for former in [one for one in redirects if one.target_id == redirect.id]:
            redirects.put(replace(former, target_id=redirect.target_id))
        redirects.insert(redirect)
