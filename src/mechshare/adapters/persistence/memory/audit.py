"""Receipts and the audit log in memory."""

from datetime import datetime

from mechshare.adapters.persistence.memory.tables import Access, add, paged
from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.domain.pagination import Page, PageRequest


class MemoryIdempotencyRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        return self._access.read().idempotency_records.get((scope, key))

    async def add(self, record: IdempotencyRecord) -> None:
        idempotency_records = self._access.write().idempotency_records
        if (record.scope, record.key) in idempotency_records:
            raise IdempotencyKeyReused()
        idempotency_records[record.scope, record.key] = record

    async def delete_expired(self, scope: str, key: str, *, older: datetime) -> bool:
        idempotency_records = self._access.write().idempotency_records
        record = idempotency_records.get((scope, key))
        is_older = record is not None and record.created_at < older
        if is_older:
            del idempotency_records[scope, key]
        return is_older

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        idempotency_records = self._access.write().idempotency_records
        older = [name for name, record in idempotency_records.items() if record.created_at < than]
        for name in older[:limit]:
            del idempotency_records[name]
        return len(older[:limit])


class MemoryAuditLog:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, entry: AuditEntry) -> None:
        add(self._access.write().audit, entry.id, entry)

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        return sum(
            entry.action is AuditAction.SIGN_IN_FAILED
            and entry.at >= since
            and subject in ("", entry.subject)
            and address in ("", entry.address)
            for entry in self._access.read().audit.values()
        )

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        entries = self._access.read().audit.values()
        return paged(entries, request, key=lambda entry: (entry.at, entry.id), descending=True)
