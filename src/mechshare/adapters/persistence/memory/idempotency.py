"""Idempotency records in memory."""

from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import UniqueViolated
from mechshare.adapters.persistence.memory.tables import IDEMPOTENCY_RECORDS
from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.ports.persistence.idempotency import IdempotencyRepository


class MemoryIdempotencyRepository(IdempotencyRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        return self._access.read(IDEMPOTENCY_RECORDS).find(scope, key)

    async def add(self, record: IdempotencyRecord) -> None:
        try:
            self._access.write(IDEMPOTENCY_RECORDS).insert(record)
        except UniqueViolated as problem:
            raise IdempotencyKeyReused() from problem

    async def delete_expired(self, scope: str, key: str, *, older: datetime) -> bool:
        records = self._access.write(IDEMPOTENCY_RECORDS)
        record = records.find(scope, key)
        if record is None or record.created_at >= older:
            return False
        records.delete(scope, key)
        return True

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        records = self._access.write(IDEMPOTENCY_RECORDS)
        older = [record for record in records if record.created_at < than][:limit]
        for record in older:
            records.delete(record.scope, record.key)
        return len(older)
