"""Storage quotas in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.groups import GROUPS, MEMBERSHIPS
from mechshare.adapters.persistence.memory.table import ReferenceViolated
from mechshare.adapters.persistence.memory.tables import (
    BLOB_REFERENCES,
    MECHANISMS,
    STORAGE_RESERVATIONS,
    UPLOADS,
    USERS,
)
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import Reservation, StorageAccount
from mechshare.ports.persistence.storage_quotas import StorageQuotaRepository


class MemoryStorageQuotaRepository(StorageQuotaRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_user(
        self, user_id: UserId, now: datetime, *, without: str = ""
    ) -> StorageAccount | None:
        user = self._access.read(USERS).find(user_id)
        if user is None:
            return None
        stored = sum(file.size or 0 for file in self._access.read(BLOB_REFERENCES) if file.user_id == user_id)
        reserved = sum(
            one.size
            for one in self._access.read(STORAGE_RESERVATIONS)
            if one.user_id == user_id and one.key != without and now < one.expires_at
        )
        under_way = sum(
            one.size for one in self._access.read(UPLOADS) if one.user_id == user_id and now < one.expires_at
        )
        used = stored + reserved + under_way
        return StorageAccount(
            role=user.role,
            quota_bytes=user.quota_bytes,
            bytes_used=used,
            group_quota_bytes=self._group_quota(user_id),
        )

    def _group_quota(self, user_id: UserId) -> int | None:
        groups = self._access.read(GROUPS)
        own = [one.group_id for one in self._access.read(MEMBERSHIPS) if one.user_id == user_id]
        sizes = [size for id in own if (size := groups.get(id).member_quota_bytes) is not None]
        return 0 if 0 in sizes else max(sizes, default=None)

    async def reserve(self, reservation: Reservation) -> None:
        try:
            self._access.write(STORAGE_RESERVATIONS).put(reservation)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def release(self, keys: Sequence[str]) -> None:
        reservations = self._access.write(STORAGE_RESERVATIONS)
        for key in keys:
            reservations.delete(key)

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        reservations = self._access.write(STORAGE_RESERVATIONS)
        expired = [one for one in reservations if one.expires_at < now][:limit]
        for one in expired:
            reservations.delete(one.key)
        return len(expired)

    async def adopt_files(self, *, limit: int) -> int:
        mechanisms, files = self._access.read(MECHANISMS), self._access.write(BLOB_REFERENCES)
        adopted = 0
        for file in files:
            mechanism = mechanisms.find(file.owner_id)
            if file.user_id is None and mechanism is not None and adopted < limit:
                files.put(replace(file, user_id=mechanism.user_id))
                adopted += 1
        return adopted
