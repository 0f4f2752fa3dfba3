"""Idempotency records in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, tuple_

from mechshare.adapters.persistence.sql.errors import UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import idempotency_records
from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.ports.persistence.idempotency import IdempotencyRepository

_RECORD = record_of(IdempotencyRecord, idempotency_records)
_NAME = (idempotency_records.c.scope, idempotency_records.c.key)
_HAS_NAME = (idempotency_records.c.scope == bindparam("scope")) & (
    idempotency_records.c.key == bindparam("key")
)
_IS_OLDER = idempotency_records.c.created_at < bindparam("than")
_FIND = select(idempotency_records).where(_HAS_NAME)
_INSERT = insert(idempotency_records)
_DELETE_OLDER = delete(idempotency_records).where(
    tuple_(*_NAME).in_(
        select(*_NAME).where(_IS_OLDER).order_by(idempotency_records.c.created_at).limit(bindparam("limit"))
    )
)
_DELETE_ONE = delete(idempotency_records).where(_HAS_NAME, _IS_OLDER)


class SqlIdempotencyRepository(IdempotencyRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        await self._statements.advisory_lock(f"receipt {scope} {key}")
        row = await self._statements.row(_FIND, {"scope": scope, "key": key})
        return _RECORD.value(row) if row else None

    async def add(self, record: IdempotencyRecord) -> None:
        try:
            await self._statements.change(_INSERT, _RECORD.values(record))
        except UniqueViolated as problem:
            raise IdempotencyKeyReused() from problem

    async def delete_expired(self, scope: str, key: str, *, older: datetime) -> bool:
        return await self._statements.change(_DELETE_ONE, {"than": older, "scope": scope, "key": key}) == 1

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_OLDER, {"than": than, "limit": limit})
