"""Stores invitations."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import Invitation


class InvitationRepository(Protocol):
    async def add(self, invitation: Invitation) -> None:
        """Stores a new invitation. Raises UserNotFound."""

    async def find_by_hash(self, hash: str) -> Invitation | None: ...

    async def find_all(self) -> tuple[Invitation, ...]:
        """Returns all invitations, newest first, those that admit nobody any more too."""

    async def use(self, hash: str, now: datetime) -> Invitation | None:
        """Counts a use and returns the invitation as counted; None if it is absent, expired or used up.

        Of concurrent uses no more than `max_uses` succeed.
        """

    async def delete(self, id: InvitationId) -> bool:
        """Returns whether there was such an invitation."""

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        """Deletes at most `limit` invitations that expired before that time; returns how many."""
