"""The categories that authors name: they are found by id or name, or added."""

from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.categories import (
    Category,
    category_named,
    clean_name,
    find_named,
    ids_by_name,
)
from mechshare.domain.category_events import CategoryCreated
from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.policy import require_poster
from mechshare.domain.statements import distinct_categories
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.transactions import Transaction


@dataclass(frozen=True, slots=True)
class CategoryNames:
    """`may_be_added`: a name that no category has becomes one; otherwise it is refused."""

    clock: Clock
    may_be_added: bool

    async def find_or_add(
        self, tx: Transaction, actor: Actor, names: Sequence[str], request_metadata: RequestMetadata
    ) -> tuple[CategoryId, ...]:
        """Returns the id for each id or name, in their order. A new name becomes a category in this transaction.

        Raises InvalidField, also for a new name that the installation does not let authors add, and
        UnauthorizedOperation for one of an actor who is blocked from posting.
        """
        cleaned = [clean_name("categories", name) for name in distinct_categories(names)]
        if not cleaned:
            return ()
        # In a transaction, this waits for others that read all categories: two never add the same name.
        redirects = await tx.category_redirects.find_all()
        ids = ids_by_name(await tx.categories.find_all(), redirects)
        if new := [name for name in cleaned if find_named(ids, name) is None]:
            self._require_addition(actor, new)
        taken = {*ids.values(), *(one.id for one in redirects)}
        for name in new:
            if find_named(ids, name) is None:
                category = category_named(name, taken, self.clock.now())
                ids |= ids_by_name([await self._add(tx, actor, category, request_metadata)])
        found = (find_named(ids, name) for name in cleaned)
        return tuple(dict.fromkeys(id for id in found if id is not None))

    def _require_addition(self, actor: Actor, names: Sequence[str]) -> None:
        require_poster(actor)
        if not self.may_be_added:
            listed = ", ".join(names)
            raise InvalidField(
                "categories",
                en=f"these do not exist: {listed}. Choose existing ones, or ask an admin to add them.",
                ja=f"次のカテゴリーはありません: {listed}。既存のカテゴリーを選ぶか、管理者に追加を依頼してください。",
            )

    async def _add(
        self, tx: Transaction, actor: Actor, category: Category, request_metadata: RequestMetadata
    ) -> Category:
        saved = await tx.categories.save(category)
        await tx.record(CategoryCreated(saved.id, actor.id, request_metadata))
        return saved
