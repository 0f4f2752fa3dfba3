"""Hides all mechanisms of an account, and shows them again."""

from datetime import datetime

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.events import MechanismsReinstated, MechanismsWithdrawn
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import SUSPENSION_REASON
from mechshare.services.transactions import Transaction

_BATCH_SIZE = 300
"""Mechanisms per statement, so that it and the insertion of their jobs each end within the statement timeout."""


async def hide_mechanisms(
    tx: Transaction,
    owner_id: UserId,
    moderator_id: UserId,
    now: datetime,
    request_metadata: RequestMetadata,
    *,
    hides: bool,
    reason: str = SUSPENSION_REASON,
) -> None:
    """Withdraws the public mechanisms of an account, or publishes those again that were withdrawn for `reason`."""
    last: MechanismId | None = None
    while found := await tx.mechanism_bulk.find(user_id=owner_id, limit=_BATCH_SIZE, after=last):
        last = found[-1]
        if hides:
            withdrawn = await tx.mechanism_bulk.withdraw(found, reason, now)
            await tx.record(MechanismsWithdrawn(withdrawn, moderator_id, reason, request_metadata))
        else:
            shown = await tx.mechanism_bulk.reinstate(found, reason, now)
            await tx.record(MechanismsReinstated(shown, moderator_id, request_metadata))
