"""Categories, which admins manage; authors add some (`services/support/category_names.py`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.categories import (
    FIRST_CATEGORIES,
    FIRST_PARENTS,
    Category,
    CategoryCount,
    CategoryHasChildren,
    CategoryRedirect,
    clean_name,
    clean_slug,
    families,
    find_named,
    ids_by_name,
    is_slug,
    name_key,
    require_merge_target,
    require_parent,
)
from mechshare.domain.category_events import (
    CategoryCreated,
    CategoryDeleted,
    CategoryMerged,
    CategoryMoved,
    CategoryRenamed,
)
from mechshare.domain.errors import CategoryNotFound, InvalidField, NameTaken
from mechshare.domain.ids import CategoryId
from mechshare.domain.policy import require_permission
from mechshare.domain.users import Actor, Permission
from mechshare.domain.versions import require_version
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.support.rename_propagation import move_mechanisms, propagate_rename
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True)
class ParentChange:
    """The new parent of a category; None puts it at the top."""

    parent_id: CategoryId | None


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
                        id=CategoryId(slug),
                        name_en=name_en,
                        name_ja=name_ja,
                        created_at=at,
                        updated_at=at,
                        parent_id=FIRST_PARENTS.get(CategoryId(slug)),
                    )
                )
        return len(FIRST_CATEGORIES)

    async def find_all(self) -> tuple[Category, ...]:
        """Returns every category, in order of creation."""
        async with self._transactions.read() as tx:
            return await tx.categories.find_all()

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        """Returns every category with its number of public mechanisms, in order of creation."""
        async with self._transactions.read() as tx:
            return await tx.categories.find_counts()

    async def count_internal(self) -> Mapping[CategoryId, int]:
        """Returns how many mechanisms of each category, which is missing if it has none, all who are signed in see, and
        nobody else."""
        async with self._transactions.read() as tx:
            return await tx.categories.count_restricted()

    async def count_private(self, actor: Actor) -> Mapping[CategoryId, int]:
        """Returns how many private mechanisms of each category, which is missing if it has none, lists show the
        actor: their own and those that are shared with them."""
        async with self._transactions.read() as tx:
            return await tx.categories.count_restricted(actor.id)

    async def get_category(self, category_id: CategoryId) -> Category:
        """Returns the category with this id, or that into which it was merged. Raises CategoryNotFound."""
        async with self._transactions.read() as tx:
            redirects = await tx.category_redirects.find([category_id]) if is_slug(category_id) else ()
            current = redirects[0].target_id if redirects else category_id
            return _existing(await tx.categories.find_by_id(current))

    async def find_families(self, ids: Sequence[CategoryId]) -> tuple[tuple[CategoryId, ...], ...]:
        """Returns for each of `ids`, or names, the category itself, or that into which it was merged, followed by its
        children.

        What belongs to no category is returned as a family without mechanisms.
        """
        if not ids:
            return ()
        async with self._transactions.read() as tx:
            wanted = await _find_named(tx, ids)
            possible = [id for id in wanted if is_slug(id)]
            redirects = await tx.category_redirects.find(possible)
            parents = [*possible, *(one.target_id for one in redirects)]
            return families(wanted, redirects, await tx.categories.find_children(parents))

    async def create_category(
        self,
        actor: Actor,
        slug: str,
        name_en: str | None,
        name_ja: str | None,
        idempotency: IdempotentRequest[Category] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
        *,
        parent_id: CategoryId | None = None,
    ) -> Category:
        """Creates a category; with only one name, both languages show it.

        Raises UnauthorizedOperation, InvalidField, NameTaken, IdempotencyKeyReused, ReplayedResponse.
        """
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        now = self._clock.now()
        category = Category(
            id=clean_slug(slug),
            name_en=clean_name("name_en", name_en or name_ja or ""),
            name_ja=clean_name("name_ja", name_ja or name_en or ""),
            created_at=now,
            updated_at=now,
            parent_id=parent_id,
        )
        async with self._transactions.begin() as tx:

            async def create() -> Category:
                await _require_new_names(tx, category)
                await _require_place(tx, category)
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
        parent: ParentChange | None = None,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> Category:
        """Renames a category or moves it in the tree, also in the search index; None keeps a name, or the parent.

        Raises UnauthorizedOperation, CategoryNotFound, InvalidField, NameTaken, StaleVersion.
        """
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        async with self._transactions.begin() as tx:
            category = _existing(await tx.categories.find_by_id(category_id))
            require_version(category.version, versions)
            renamed = category.renamed(
                name_en=category.name_en if name_en is None else name_en,
                name_ja=category.name_ja if name_ja is None else name_ja,
                now=self._clock.now(),
            )
            changed = replace(renamed, parent_id=parent.parent_id if parent else category.parent_id)
            await _require_new_names(tx, changed)
            if parent:
                await _require_place(tx, changed)
            saved = await tx.categories.save(changed)
            if saved.parent_id != category.parent_id:
                moved = CategoryMoved(category_id, saved.parent_id, actor.id, request_metadata)
                await tx.record(moved)
            if name_en is not None or name_ja is not None:
                await tx.record(CategoryRenamed(category_id, actor.id, request_metadata))
            # Documents of the index name the parents of their categories, too.
            for one in (saved, *await tx.categories.find_children([category_id])):
                await propagate_rename(tx, category_id=one.id, are_public=True, actor_id=actor.id)
            return saved

    async def merge_category(
        self,
        actor: Actor,
        category_id: CategoryId,
        target_id: CategoryId,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> Category:
        """Moves the mechanisms and the children of a category to the target, and deletes the category; its id and names
        lead to the target from then on. Returns the target.

        Raises UnauthorizedOperation, CategoryNotFound, InvalidField if the target does not exist or the children would
        be in a third level, StaleVersion.
        """
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        async with self._transactions.begin() as tx:
            every = {one.id: one for one in await tx.categories.find_all()}
            category, target = _existing(every.get(category_id)), every.get(target_id)
            require_version(category.version, versions)
            children = await tx.categories.find_children([category_id])
            merged_into = require_merge_target(category, target, has_children=bool(children))
            now = self._clock.now()
            for child in children:
                await tx.categories.save(replace(child, parent_id=merged_into.id, updated_at=now))
                await propagate_rename(tx, category_id=child.id, are_public=True, actor_id=actor.id)
            await move_mechanisms(tx, category_id, merged_into.id, actor.id)
            await tx.follows.move_category(category_id, merged_into.id)
            await tx.category_redirects.add(_redirect(category, merged_into.id, now))
            await tx.categories.delete(category_id)
            await tx.record(CategoryMerged(category_id, merged_into.id, actor.id, request_metadata))
            return merged_into

    async def delete_category(
        self,
        actor: Actor,
        category_id: CategoryId,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> None:
        """Raises UnauthorizedOperation, CategoryNotFound, CategoryInUse, CategoryHasChildren, StaleVersion."""
        require_permission(actor, Permission.MANAGE_CATEGORIES)
        async with self._transactions.begin() as tx:
            category = _existing(await tx.categories.find_by_id(category_id))
            require_version(category.version, versions)
            if await tx.categories.find_children([category_id]):
                raise CategoryHasChildren()
            await tx.categories.delete(category_id)
            await tx.record(CategoryDeleted(category_id, actor.id, request_metadata))


async def _require_new_names(tx: UnitOfWork, category: Category) -> None:
    """Raises NameTaken if one of the names, by which authors find categories, leads to another category, or the id to
    the target of a merged one."""
    others = [one for one in await tx.categories.find_all() if one.id != category.id]
    redirects = await tx.category_redirects.find_all()
    if any(one.id == category.id for one in redirects):
        raise NameTaken(field="id", value=category.id)
    ids = ids_by_name(others, redirects)
    for field, name in (("name_en", category.name_en), ("name_ja", category.name_ja)):
        if ids.get(name_key(name), category.id) != category.id:
            raise NameTaken(field=field, value=name)


async def _require_place(tx: UnitOfWork, category: Category) -> None:
    """Raises InvalidField unless the tree has room for the category below its parent."""
    if category.parent_id is not None:
        parent = await tx.categories.find_by_id(category.parent_id) if is_slug(category.parent_id) else None
        children = await tx.categories.find_children([category.id])
        require_parent(category, parent, has_children=bool(children))


def _redirect(category: Category, target_id: CategoryId, now: datetime) -> CategoryRedirect:
    return CategoryRedirect(
        id=category.id,
        target_id=target_id,
        name_en=category.name_en,
        name_ja=category.name_ja,
        created_at=now,
    )


def _existing(category: Category | None) -> Category:
    if category is None:
        raise CategoryNotFound()
    return category


async def _find_named(tx: UnitOfWork, ids: Sequence[CategoryId]) -> Sequence[CategoryId]:
    """Returns `ids` with the id of the category in place of each name, in any width and case."""
    if all(map(is_slug, ids)):
        return ids
    by_name = ids_by_name(await tx.categories.find_all(), await tx.category_redirects.find_all())
    return [id if is_slug(id) else _named(by_name, id) for id in ids]


def _named(by_name: Mapping[str, CategoryId], text: CategoryId) -> CategoryId:
    try:
        return find_named(by_name, clean_name("category", text)) or text
    except InvalidField:  # no category can have this name
        return text
