"""Categories, which admins manage; authors add some (`services/support/category_names.py`)."""

from collections.abc import Collection
from datetime import timedelta

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.categories import (
    FIRST_CATEGORIES,
    Category,
    CategoryCount,
    clean_name,
    clean_slug,
    ids_by_name,
    name_key,
)
from mechshare.domain.errors import CategoryNotFound, NameTaken
from mechshare.domain.events import CategoryCreated, CategoryDeleted, CategoryRenamed
from mechshare.domain.ids import CategoryId
from mechshare.domain.policy import require_permission
from mechshare.domain.users import Actor, Permission
from mechshare.domain.versions import require_version
from mechshare.ports.clock import Clock
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse, run_once
from mechshare.services.support.rename_propagation import propagate_rename
from mechshare.services.transactions import Transactions


class CategoryService:
    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def seed(self) -> int:
        """Adds the first categories to an installation that has none; returns how many it added."""
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            if await tx.categories.find_all():
                return 0
            for position, (slug, name_en, name_ja) in enumerate(FIRST_CATEGORIES):
                at = now + timedelta(microseconds=position)
                await tx.categories.save(
                    Category(
                        id=CategoryId(slug), name_en=name_en, name_ja=name_ja, created_at=at, updated_at=at
                    )
                )
        return len(FIRST_CATEGORIES)

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        """Returns every category with its number of published mechanisms, in order of creation."""
        async with self._transactions.read() as tx:
            return await tx.categories.find_counts()

    async def get_category(self, category_id: CategoryId) -> Category:
        """Raises CategoryNotFound."""
        async with self._transactions.read() as tx:
            return _existing(await tx.categories.find_by_id(category_id))

    async def create_category(
        self,
        actor: Actor,
        slug: str,
        name_en: str,
        name_ja: str,
        idempotency: IdempotentRequest[Category] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> Category | ReplayedResponse:
        """Raises UnauthorizedOperation, InvalidField, NameTaken, IdempotencyKeyReused."""
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        now = self._clock.now()
        category = Category(
            id=clean_slug(slug),
            name_en=clean_name("name_en", name_en),
            name_ja=clean_name("name_ja", name_ja),
            created_at=now,
            updated_at=now,
        )
        async with self._transactions.begin() as tx:

            async def create() -> Category:
                _require_new_names(category, await tx.categories.find_all())
                saved = await tx.categories.save(category)
                await tx.record(CategoryCreated(saved.id, actor.id, request_metadata))
                return saved

            return await run_once(tx, self._clock, idempotency, create)

    async def update_category(
        self,
        actor: Actor,
        category_id: CategoryId,
        *,
        name_en: str | None = None,
        name_ja: str | None = None,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> Category:
        """Renames a category, also in the search index; None keeps a name.

        Raises UnauthorizedOperation, CategoryNotFound, InvalidField, NameTaken, StaleVersion.
        """
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        async with self._transactions.begin() as tx:
            category = _existing(await tx.categories.find_by_id(category_id))
            require_version(category.version, versions)
            changed = category.renamed(
                name_en=category.name_en if name_en is None else name_en,
                name_ja=category.name_ja if name_ja is None else name_ja,
                now=self._clock.now(),
            )
            _require_new_names(changed, await tx.categories.find_all())
            saved = await tx.categories.save(changed)
            await tx.record(CategoryRenamed(category_id, actor.id, request_metadata))
            await propagate_rename(tx, category_id=category_id, are_public=True, actor_id=actor.id)
            return saved

    async def delete_category(
        self,
        actor: Actor,
        category_id: CategoryId,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> None:
        """Raises UnauthorizedOperation, CategoryNotFound, CategoryInUse, StaleVersion."""
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        async with self._transactions.begin() as tx:
            category = _existing(await tx.categories.find_by_id(category_id))
            require_version(category.version, versions)
            await tx.categories.delete(category_id)
            await tx.record(CategoryDeleted(category_id, actor.id, request_metadata))


def _require_new_names(category: Category, categories: Collection[Category]) -> None:
    """Raises NameTaken if another category has one of the names, which authors find categories by."""
    ids = ids_by_name([one for one in categories if one.id != category.id])
    for field, name in (("name_en", category.name_en), ("name_ja", category.name_ja)):
        if name_key(name) in ids:
            raise NameTaken(field=field, value=name)


def _existing(category: Category | None) -> Category:
    if category is None:
        raise CategoryNotFound()
    return category
