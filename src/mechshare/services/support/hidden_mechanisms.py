"""Hides all mechanisms of an account, and shows them again."""

from collections.abc import Sequence
from datetime import datetime

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.events import MechanismsReinstated, MechanismsWithdrawn
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import SUSPENSION_REASON
from mechshare.domain.visibility import Visibility
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
    """Withdraws the published mechanisms of an account, or publishes those again that were withdrawn for `reason`."""
    last: MechanismId | None = None
    while found := await tx.mechanism_bulk.find(user_id=owner_id, limit=_BATCH_SIZE, after=last):
        last = found[-1]
        if hides:
            withdrawn = await tx.mechanism_bulk.withdraw(found, reason, now)
            for ids, were_public in await _by_audience(tx, withdrawn):
                await tx.record(MechanismsWithdrawn(ids, moderator_id, reason, request_metadata, were_public))
        else:
            shown = await tx.mechanism_bulk.reinstate(found, reason, now)
            for ids, are_public in await _by_audience(tx, shown):
                await tx.record(MechanismsReinstated(ids, moderator_id, request_metadata, are_public))


async def _by_audience(
    tx: Transaction, published: Sequence[MechanismId]
) -> list[tuple[list[MechanismId], bool]]:
    """Returns those that are, or were, public, and then the others, each with whether they are."""
    found = [item.mechanism for item in await tx.mechanisms.find_authored(published)]
    public = [one.id for one in found if one.visibility is Visibility.PUBLIC]
    others = [one.id for one in found if one.visibility is not Visibility.PUBLIC]
    return [(ids, is_public) for ids, is_public in ((public, True), (others, False)) if ids]
