"""What a changed name means for the mechanisms that are shown and found under it."""

from collections.abc import Sequence

from mechshare.domain.ids import CategoryId, JobId, MechanismId, UserId
from mechshare.domain.jobs import JobKind, new_job
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import UnitOfWork

_BATCH_SIZE = 1_000
"""Mechanisms that are changed by one statement, which has to end in time."""


async def propagate_rename(
    tx: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    *,
    user_id: UserId | None = None,
    category_id: CategoryId | None = None,
) -> Sequence[MechanismId]:
    """Gives each of these mechanisms a new version and promises it to the index; which they were.

    The new version keeps two index jobs in order, and tells holders of an old answer that it is old.
    """
    now = clock.now()
    shown: list[MechanismId] = []
    while found := await tx.mechanism_bulk.find(
        limit=_BATCH_SIZE, user_id=user_id, category_id=category_id, after=shown[-1] if shown else None
    ):
        shown += found
        await tx.mechanism_bulk.renew(found)
        await tx.ledger.add(
            *(new_job(JobId(ids.new_id()), JobKind.INDEX_MECHANISM, id, now=now) for id in found)
        )
    return shown
