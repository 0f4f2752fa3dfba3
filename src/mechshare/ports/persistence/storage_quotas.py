"""What users store, and what their uploads have reserved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import Reservation, StorageAccount


class StorageQuotaRepository(Protocol):
    """The bytes that each user stores: files whose reference names the user, reservations, and uploads under way."""

    async def find_by_user(
        self, user_id: UserId, now: datetime, *, without: str = ""
    ) -> StorageAccount | None:
        """Returns the user's account; None if there is no such user.

        The bytes used are those of all files of known size, of the uploads that expire after `now`, whole, and of the
        reservations that end after `now`, except the one for the key `without`. In a transaction, other transactions
        that call this for the same user wait until it ends.
        """

    async def reserve(self, reservation: Reservation) -> None:
        """Stores a reservation; replaces that of the same key. Raises UserNotFound."""

    async def release(self, keys: Sequence[str]) -> None:
        """Deletes the reservations for these keys, at most 1,000; others are ignored."""

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        """Deletes up to `limit` reservations that ended before `now`; returns how many."""

    async def adopt_files(self, *, limit: int) -> int:
        """Sets the user of up to `limit` references without one to the owner of their mechanism; returns how many.

        The previous release stores references without a user.
        """
