"""Invitations in memory."""

from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import Invitation
from mechshare.ports.persistence.invitations import InvitationRepository

INVITATIONS = Table(
    "invitations",
    Invitation,
    id=KEY,
    hash=Column(unique=True),
    created_by=Column(refers_to=USERS, cascades=True),
)


class MemoryInvitationRepository(InvitationRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, invitation: Invitation) -> None:
        try:
            self._access.write(INVITATIONS).insert(invitation)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_hash(self, hash: str) -> Invitation | None:
        return next((one for one in self._access.read(INVITATIONS) if one.hash == hash), None)

    async def find_all(self) -> tuple[Invitation, ...]:
        found = list(self._access.read(INVITATIONS))
        return tuple(sorted(found, key=lambda one: (one.created_at, one.id), reverse=True))

    async def use(self, hash: str, now: datetime) -> Invitation | None:
        found = await self.find_by_hash(hash)
        if found is None or not found.is_valid(now):
            return None
        used = replace(found, uses=found.uses + 1)
        self._access.write(INVITATIONS).put(used)
        return used

    async def delete(self, id: InvitationId) -> bool:
        if self._access.read(INVITATIONS).find(id) is None:
            return False
        self._access.write(INVITATIONS).delete(id)
        return True

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        invitations = self._access.read(INVITATIONS)
        expired = [one.id for one in invitations if one.expires_at < before][:limit]
        for id in expired:
            self._access.write(INVITATIONS).delete(id)
        return len(expired)
