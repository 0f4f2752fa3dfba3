"""Uploads under way in memory."""

from collections.abc import Sequence
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import ReferenceViolated
from mechshare.adapters.persistence.memory.tables import UPLOADS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UploadId, UserId
from mechshare.domain.uploads import Upload
from mechshare.ports.persistence.uploads import UploadRepository


class MemoryUploadRepository(UploadRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, upload: Upload) -> None:
        try:
            self._access.write(UPLOADS).insert(upload)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, upload_id: UploadId) -> Upload | None:
        return self._access.read(UPLOADS).find(upload_id)

    async def save(self, upload: Upload) -> None:
        uploads = self._access.write(UPLOADS)
        if uploads.find(upload.id) is not None:
            uploads.put(upload)

    async def delete(self, upload_id: UploadId) -> bool:
        uploads = self._access.write(UPLOADS)
        exists = uploads.find(upload_id) is not None
        if exists:
            uploads.delete(upload_id)
        return exists

    async def count_of_user(self, user_id: UserId, now: datetime) -> int:
        return sum(one.user_id == user_id and one.expires_at > now for one in self._access.read(UPLOADS))

    async def find_existing(self, upload_ids: Sequence[UploadId]) -> frozenset[UploadId]:
        uploads = self._access.read(UPLOADS)
        return frozenset(id for id in upload_ids if uploads.find(id) is not None)

    async def find_expired(self, now: datetime, *, limit: int) -> tuple[Upload, ...]:
        expired = [one for one in self._access.read(UPLOADS) if one.expires_at < now]
        return tuple(sorted(expired, key=lambda one: (one.expires_at, one.id))[:limit])
