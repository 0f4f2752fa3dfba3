"""Exports of accounts in memory."""

from collections.abc import Sequence
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.comments import COMMENTS
from mechshare.adapters.persistence.memory.evidence import CLAIMS
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.account_exports import AccountExport
from mechshare.domain.comments import Comment
from mechshare.domain.errors import UserNotFound
from mechshare.domain.evidence import Claim
from mechshare.domain.ids import AccountExportId, UserId
from mechshare.ports.persistence.account_exports import AccountExportRepository, WritingRepository

ACCOUNT_EXPORTS = Table(
    "account_exports",
    AccountExport,
    id=KEY,
    user_id=Column(refers_to=USERS, cascades=True, unique=True),
)


class MemoryAccountExportRepository(AccountExportRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def put(self, export: AccountExport) -> None:
        exports = self._access.write(ACCOUNT_EXPORTS)
        for former in [one for one in exports if one.user_id == export.user_id]:
            exports.delete(former.id)
        try:
            exports.insert(export)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: AccountExportId) -> AccountExport | None:
        return self._access.read(ACCOUNT_EXPORTS).find(id)

    async def find_of_user(self, user_id: UserId) -> AccountExport | None:
        return next((one for one in self._access.read(ACCOUNT_EXPORTS) if one.user_id == user_id), None)

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        exports = self._access.write(ACCOUNT_EXPORTS)
        expired = [one.id for one in exports if one.expires_at < now][:limit]
        for id in expired:
            exports.delete(id)
        return len(expired)


class MemoryWritingRepository(WritingRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_claims(self, user_id: UserId) -> Sequence[Claim]:
        own = (one for one in self._access.read(CLAIMS) if one.user_id == user_id)
        return sorted(own, key=lambda one: (one.created_at, one.id))

    async def find_comments(self, user_id: UserId) -> Sequence[Comment]:
        own = (one for one in self._access.read(COMMENTS) if one.user_id == user_id)
        return sorted(own, key=lambda one: (one.created_at, one.id))
