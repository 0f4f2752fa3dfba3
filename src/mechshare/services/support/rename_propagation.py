"""Propagates a changed name, or a merged category, to the mechanisms that show it."""

from mechshare.domain.events import MechanismsRenamed
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.services.transactions import Transaction

_BATCH_SIZE = 1_000
"""Mechanisms per UPDATE statement, so that each ends within the statement timeout."""


async def propagate_rename(
    tx: Transaction,
    *,
    user_id: UserId | None = None,
    category_id: CategoryId | None = None,
    are_public: bool,
    actor_id: UserId,
) -> None:
    """Gives each of these mechanisms a new version and has it indexed again. `are_public`: some of them are published.

    The new version orders concurrent index jobs and changes the ETag.
    """
    last: MechanismId | None = None
    while found := await tx.mechanism_bulk.find(
        limit=_BATCH_SIZE, user_id=user_id, category_id=category_id, after=last
    ):
        await tx.mechanism_bulk.renew(found)
        await tx.record(MechanismsRenamed(found, are_public, actor_id))
        last = found[-1]


async def move_mechanisms(tx: Transaction, source: CategoryId, target: CategoryId, actor_id: UserId) -> None:
    """Puts the mechanisms of a category into another one instead, published or not, and has them indexed again."""
    while found := await tx.mechanism_bulk.find(limit=_BATCH_SIZE, category_id=source):
        await tx.mechanism_bulk.move(found, source, target)
        await tx.record(MechanismsRenamed(found, True, actor_id))
