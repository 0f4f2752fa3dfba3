"""What a changed name means for the mechanisms that are shown and found under it."""

from mechshare.domain.events import MechanismsRenamed
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.services.transactions import Transaction

_BATCH_SIZE = 1_000
"""Mechanisms that are changed by one statement, which has to end in time."""


async def propagate_rename(
    tx: Transaction,
    *,
    user_id: UserId | None = None,
    category_id: CategoryId | None = None,
    are_public: bool,
) -> None:
    """Gives each of these mechanisms a new version, for the index to follow. `are_public`: some of them.

    The new version keeps two index jobs in order, and shows holders of an old response that it is old.
    """
    last: MechanismId | None = None
    while found := await tx.mechanism_bulk.find(
        limit=_BATCH_SIZE, user_id=user_id, category_id=category_id, after=last
    ):
        await tx.mechanism_bulk.renew(found)
        await tx.record(MechanismsRenamed(found, are_public))
        last = found[-1]
