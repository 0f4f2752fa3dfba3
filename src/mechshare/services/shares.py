"""Shares mechanisms with users and groups."""

from collections.abc import Sequence

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import GroupId, MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.policy import Viewer, require_member
from mechshare.domain.shares import (
    MAX_SHARES,
    Access,
    NamedShare,
    Recipient,
    RecipientKind,
    Share,
    SharedWithOwner,
    ShareNotFound,
    TooManyShares,
)
from mechshare.domain.sharing_events import MechanismShared, ShareRemoved
from mechshare.domain.users import Actor
from mechshare.domain.visibility import Visibility
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_managed, shared_access
from mechshare.services.transactions import Transaction, Transactions


class ShareService:
    """The owner of a mechanism and admins decide with whom it is shared, and only they see it."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find_all(self, actor: Actor, mechanism_id: MechanismId) -> tuple[NamedShare, ...]:
        """Returns the shares with their recipients' names, users first. Raises MechanismNotFound,
        UnauthorizedOperation."""
        async with self._transactions.read() as tx:
            await find_managed(tx, actor, mechanism_id)
            return await _named(tx, await tx.shares.find_all([mechanism_id]))

    async def access_of(self, viewer: Viewer, mechanism: Mechanism) -> Access | None:
        """Returns what shares allow `viewer` to do with the mechanism; None for what no share can change."""
        async with self._transactions.read() as tx:
            return await shared_access(tx, viewer, mechanism)

    async def put(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        recipient: Recipient,
        access: Access,
        request_metadata: RequestMetadata,
    ) -> NamedShare:
        """Shares the mechanism with the recipient for `access`; no-op if it is shared so already.

        The actor must belong to a group with which they share. Raises MechanismNotFound, UnauthorizedOperation,
        UserNotFound, GroupNotFound, SharedWithOwner, TooManyShares.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_managed(tx, actor, mechanism_id)
            await _require_recipient(tx, actor, mechanism, recipient)
            shares = {one.recipient: one for one in await tx.shares.find_all([mechanism_id])}
            share = shares.get(recipient)
            if share is None or share.access is not access:
                if share is None and len(shares) >= MAX_SHARES:
                    raise TooManyShares(limit=MAX_SHARES)
                share = Share(
                    mechanism_id=mechanism_id,
                    recipient=recipient,
                    access=access,
                    shared_by=actor.id,
                    shared_at=self._clock.now(),
                )
                await tx.shares.put(share)
                await _renew(tx, mechanism)
                await tx.record(MechanismShared(mechanism, share, request_metadata))
            (named,) = await _named(tx, [share])
            return named

    async def remove(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        recipient: Recipient,
        request_metadata: RequestMetadata,
    ) -> None:
        """Ends the share at once. Raises MechanismNotFound, UnauthorizedOperation, ShareNotFound."""
        async with self._transactions.begin() as tx:
            mechanism = await find_managed(tx, actor, mechanism_id)
            if not await tx.shares.delete(mechanism_id, recipient):
                raise ShareNotFound()
            await _renew(tx, mechanism)
            await tx.record(ShareRemoved(mechanism, recipient, actor.id, request_metadata))


async def _require_recipient(
    tx: Transaction, actor: Actor, mechanism: Mechanism, recipient: Recipient
) -> None:
    if recipient.kind is RecipientKind.GROUP:
        id = GroupId(recipient.id)
        require_member(actor, await tx.groups.find_by_id(id), await tx.memberships.find(id, actor.id))
        return
    if mechanism.is_owned_by(UserId(recipient.id)):
        raise SharedWithOwner()
    if await tx.users.find_by_id(UserId(recipient.id)) is None:
        raise UserNotFound()


async def _renew(tx: Transaction, mechanism: Mechanism) -> None:
    """Gives a mechanism that its shares make visible a new version, which orders concurrent index jobs.

    What everybody may see keeps its version, which is part of public responses.
    """
    if mechanism.visibility is Visibility.PRIVATE:
        await tx.mechanism_bulk.renew([mechanism.id])


async def _named(tx: UnitOfWork, shares: Sequence[Share]) -> tuple[NamedShare, ...]:
    """Returns the shares whose recipients exist, users first, each kind ordered by name."""
    of_groups = [one for one in shares if one.recipient.kind is RecipientKind.GROUP]
    groups = await tx.groups.find_by_ids([GroupId(one.recipient.id) for one in of_groups])
    names = {group.id: group.name for group in groups}
    named = [
        NamedShare(share=one, name=names[GroupId(one.recipient.id)])
        for one in of_groups
        if one.recipient.id in names
    ]
    with_users = []
    for one in shares:
        if one.recipient.kind is RecipientKind.USER:
            user = await tx.users.find_by_id(UserId(one.recipient.id))
            if user is not None:
                with_users.append(NamedShare(share=one, name=user.display_name, username=user.username))
    by_name = [
        sorted(each, key=lambda one: (one.name, one.share.recipient.id)) for each in (with_users, named)
    ]
    return tuple(one for each in by_name for one in each)
