"""Uploads under way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import UploadId, UserId
from mechshare.domain.uploads import Upload


class UploadRepository(Protocol):
    async def add(self, upload: Upload) -> None:
        """Stores a new upload. Raises UserNotFound."""

    async def find_by_id(self, upload_id: UploadId) -> Upload | None:
        """Returns the upload. In a transaction, other transactions that read it wait until the transaction ends."""

    async def save(self, upload: Upload) -> None:
        """Replaces the upload, which the transaction has read."""

    async def delete(self, upload_id: UploadId) -> bool:
        """Deletes the upload; returns whether there was one."""

    async def count_of_user(self, user_id: UserId, now: datetime) -> int:
        """Returns how many uploads of the user expire after `now`."""

    async def find_existing(self, upload_ids: Sequence[UploadId]) -> frozenset[UploadId]:
        """Returns those of the identifiers, at most 1,000, that have an upload."""

    async def find_expired(self, now: datetime, *, limit: int) -> tuple[Upload, ...]:
        """Returns up to `limit` uploads that expired before `now`, those that expired first at the beginning."""
