"""Uploads under way in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import uploads
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UploadId, UserId
from mechshare.domain.uploads import Upload
from mechshare.ports.persistence.uploads import UploadRepository

_UPLOAD = record_of(Upload, uploads)
_HAS_ID = uploads.c.id == bindparam("same_id", type_=uploads.c.id.type)
_NOW = bindparam("now", type_=uploads.c.expires_at.type)
_BY_ID = select(uploads).where(_HAS_ID)
_INSERT = insert(uploads)
_UPDATE = update(uploads).where(_HAS_ID)
_DELETE = delete(uploads).where(_HAS_ID)
_COUNT = select(func.count()).where(uploads.c.user_id == bindparam("user_id"), uploads.c.expires_at > _NOW)
_EXISTING = select(uploads.c.id).where(IsAmong(uploads.c.id, bindparam("ids", type_=IdList())))
_EXPIRED = (
    select(uploads)
    .where(uploads.c.expires_at < _NOW)
    .order_by(uploads.c.expires_at, uploads.c.id)
    .limit(bindparam("limit"))
)


class SqlUploadRepository(UploadRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, upload: Upload) -> None:
        try:
            await self._statements.change(_INSERT, _UPLOAD.values(upload))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, upload_id: UploadId) -> Upload | None:
        await self._statements.lock_row(uploads.c.id, upload_id)
        row = await self._statements.row(_BY_ID, {"same_id": upload_id})
        return _UPLOAD.value(row) if row else None

    async def save(self, upload: Upload) -> None:
        await self._statements.change(_UPDATE, {**_UPLOAD.values(upload), "same_id": upload.id})

    async def delete(self, upload_id: UploadId) -> bool:
        return await self._statements.change(_DELETE, {"same_id": upload_id}) == 1

    async def count_of_user(self, user_id: UserId, now: datetime) -> int:
        count: int = (await self._statements.row(_COUNT, {"user_id": user_id, "now": now}))[0]
        return count

    async def find_existing(self, upload_ids: Sequence[UploadId]) -> frozenset[UploadId]:
        rows = await self._statements.rows(_EXISTING, {"ids": list(upload_ids)}) if upload_ids else ()
        return frozenset(UploadId(id) for (id,) in rows)

    async def find_expired(self, now: datetime, *, limit: int) -> tuple[Upload, ...]:
        rows = await self._statements.rows(_EXPIRED, {"now": now, "limit": limit})
        return tuple(map(_UPLOAD.value, rows))
