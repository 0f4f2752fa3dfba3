"""Categories and mechanisms in memory."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.tables import Access, Tables, paged
from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.errors import CategoryInUse, CategoryNotFound, NameTaken, StaleVersion, UserNotFound
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import Author, AuthoredMechanism, Mechanism, MechanismSort, sort_key
from mechshare.domain.pagination import EXACT_TOTAL, Page, PageRequest


class MemoryCategoryRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: CategoryId) -> Category | None:
        return self._access.read().categories.get(id)

    async def find_all(self) -> tuple[Category, ...]:
        return tuple(
            sorted(self._access.read().categories.values(), key=lambda one: (one.created_at, one.id))
        )

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        published = (one for one in self._access.read().mechanisms.values() if one.is_published)
        counts = Counter(category for mechanism in published for category in mechanism.categories)
        return tuple(
            CategoryCount(category=one, mechanism_count=counts[one.id]) for one in await self.find_all()
        )

    async def save(self, category: Category) -> Category:
        categories = self._access.write().categories
        stored = categories.get(category.id)
        if category.version == 0 and stored is not None:
            raise NameTaken(field="id", value=category.id)
        if (stored.version if stored else 0) != category.version:
            raise StaleVersion()
        saved = categories[category.id] = replace(category, version=category.version + 1)
        return saved

    async def delete(self, id: CategoryId) -> None:
        tables = self._access.write()
        count = sum(id in mechanism.categories for mechanism in tables.mechanisms.values())
        if count:
            raise CategoryInUse(count=count)
        tables.categories.pop(id, None)


class MemoryMechanismRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: MechanismId) -> Mechanism | None:
        return self._access.read().mechanisms.get(id)

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        tables = self._access.read()
        return tuple(_authored(tables, tables.mechanisms[id]) for id in ids if id in tables.mechanisms)

    async def find_all(
        self,
        request: PageRequest,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
        words: Sequence[str] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        narrowed = self._narrowed(category_ids, user_id, published_only)
        if words:
            folded = list(map(_folded, words))
            narrowed.sort(key=lambda item: (item.mechanism.created_at, item.mechanism.id), reverse=True)
            narrowed = [item for item in narrowed[:among] if _contains_all(item, folded)]
        return paged(
            narrowed,
            request,
            key=lambda item: (sort_key(item.mechanism, sort), item.mechanism.id),
            descending=sort.order.is_descending,
        )

    async def count(
        self,
        *,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
    ) -> int:
        return min(len(self._narrowed(category_ids, user_id, published_only)), EXACT_TOTAL + 1)

    def _narrowed(
        self, category_ids: Sequence[CategoryId], user_id: UserId | None, published_only: bool
    ) -> list[AuthoredMechanism]:
        tables = self._access.read()
        return [
            _authored(tables, mechanism)
            for mechanism in tables.mechanisms.values()
            if (mechanism.is_published or not published_only)
            and user_id in (None, mechanism.user_id)
            and (not category_ids or not set(category_ids).isdisjoint(mechanism.categories))
        ]

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        for mechanism in mechanisms:
            await self.save(mechanism)

    async def save(self, mechanism: Mechanism) -> Mechanism:
        tables = self._access.write()
        stored = tables.mechanisms.get(mechanism.id)
        if (stored.version if stored else 0) != mechanism.version:
            raise StaleVersion()
        if mechanism.user_id not in tables.users:
            raise UserNotFound()
        if not set(mechanism.categories) <= set(tables.categories):
            raise CategoryNotFound()
        saved = tables.mechanisms[mechanism.id] = replace(mechanism, version=mechanism.version + 1)
        return saved

    async def delete(self, id: MechanismId, version: int) -> None:
        mechanisms = self._access.write().mechanisms
        stored = mechanisms.get(id)
        if stored is None or stored.version != version:
            raise StaleVersion()
        del mechanisms[id]


class MemoryMechanismBulkRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        owned = (
            one.id
            for one in self._access.read().mechanisms.values()
            if one.user_id == user_id or category_id in one.categories
        )
        return sorted(id for id in owned if id > (after or ""))[:limit]

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        mechanisms = self._access.write().mechanisms
        for one in [mechanisms[id] for id in ids if id in mechanisms]:
            mechanisms[one.id] = replace(one, version=one.version + 1)

    async def delete(self, ids: Sequence[MechanismId]) -> Sequence[MechanismId]:
        mechanisms = self._access.write().mechanisms
        return [mechanisms.pop(id).id for id in ids if id in mechanisms]


class MemoryMechanismFiles:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        same = [
            mechanism
            for mechanism in self._access.read().mechanisms.values()
            if mechanism.user_id == user_id and mechanism.original and mechanism.original.sha256 == sha256
        ]
        return min(same, key=lambda mechanism: (mechanism.created_at, mechanism.id), default=None)


def _authored(tables: Tables, mechanism: Mechanism) -> AuthoredMechanism:
    user = tables.users[mechanism.user_id]
    author = Author(id=user.id, username=user.username, display_name=user.display_name)
    return AuthoredMechanism(mechanism=mechanism, author=author)


def _contains_all(item: AuthoredMechanism, words: Sequence[str]) -> bool:
    searched = (item.mechanism.title, item.mechanism.description, item.author.display_name)
    texts = list(map(_folded, searched))
    return all(any(word in text for text in texts) for word in words)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
