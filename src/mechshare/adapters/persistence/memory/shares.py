"""Shares in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mechshare.adapters.persistence.memory.access import Access as Tables
from mechshare.adapters.persistence.memory.groups import MEMBERSHIPS
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.shares import Access, Recipient, RecipientKind, Share
from mechshare.ports.persistence.shares import ShareRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredShare:
    mechanism_id: MechanismId
    recipient_kind: RecipientKind
    recipient_id: str
    share: Share


SHARES = Table(
    "shares",
    StoredShare,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    recipient_kind=KEY,
    recipient_id=KEY,
)


class MemoryShareRepository(ShareRepository):
    def __init__(self, access: Tables) -> None:
        self._access = access

    async def find_all(self, mechanism_ids: Sequence[MechanismId]) -> Sequence[Share]:
        found = [one.share for one in self._access.read(SHARES) if one.mechanism_id in mechanism_ids]
        return sorted(found, key=lambda one: (one.mechanism_id, one.recipient.kind, one.recipient.id))

    async def find_access(
        self, user_id: UserId, mechanism_ids: Sequence[MechanismId]
    ) -> Mapping[MechanismId, Access]:
        found: dict[MechanismId, Access] = {}
        for share in shares_with(self._access, user_id):
            if share.mechanism_id in mechanism_ids and found.get(share.mechanism_id) is not Access.EDIT:
                found[share.mechanism_id] = share.access
        return found

    async def put(self, share: Share) -> None:
        kind, id = share.recipient.kind, share.recipient.id
        stored = StoredShare(
            mechanism_id=share.mechanism_id, recipient_kind=kind, recipient_id=id, share=share
        )
        try:
            self._access.write(SHARES).put(stored)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId, recipient: Recipient) -> bool:
        shares = self._access.write(SHARES)
        exists = shares.find(mechanism_id, recipient.kind, recipient.id) is not None
        shares.delete(mechanism_id, recipient.kind, recipient.id)
        return exists

    async def delete_for(self, recipient: Recipient) -> None:
        shares = self._access.write(SHARES)
        for one in [one for one in shares if one.share.recipient == recipient]:
            shares.delete(one.mechanism_id, recipient.kind, recipient.id)


def shares_with(access: Tables, user_id: UserId) -> list[Share]:
    """Returns the shares with the user, or with a group of the user."""
    recipients = {(RecipientKind.USER, str(user_id))}
    recipients |= {
        (RecipientKind.GROUP, str(one.group_id)) for one in access.read(MEMBERSHIPS) if one.user_id == user_id
    }
    return [one.share for one in access.read(SHARES) if (one.recipient_kind, one.recipient_id) in recipients]
