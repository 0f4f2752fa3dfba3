"""Shares of mechanisms with users and groups."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.shares import Access, Recipient, Share


class ShareRepository(Protocol):
    async def find_all(self, mechanism_ids: Sequence[MechanismId]) -> Sequence[Share]:
        """Returns the shares of these mechanisms, at most 1,000, ordered by mechanism, kind and id of the recipient."""

    async def find_access(
        self, user_id: UserId, mechanism_ids: Sequence[MechanismId]
    ) -> Mapping[MechanismId, Access]:
        """Returns the most that shares with the user, or with a group of the user, allow; without those of
        `mechanism_ids`, at most 1,000, that are not shared with them."""

    async def put(self, share: Share) -> None:
        """Stores the share; replaces one with the same recipient. Raises MechanismNotFound."""

    async def delete(self, mechanism_id: MechanismId, recipient: Recipient) -> bool:
        """Returns whether there was such a share."""

    async def delete_for(self, recipient: Recipient) -> None:
        """Deletes all shares with a user or group that is being deleted."""
