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
        return self._access.read().receipts.get((scope, key))

    async def add(self, receipt: IdempotencyRecord) -> None:
        receipts = self._access.write().receipts
        if (receipt.scope, receipt.key) in receipts:
            raise IdempotencyKeyReused()
        receipts[receipt.scope, receipt.key] = receipt

    async def forget(self, scope: str, key: str, *, older: datetime) -> bool:
        receipts = self._access.write().receipts
        receipt = receipts.get((scope, key))
        is_older = receipt is not None and receipt.created_at < older
        if is_older:
            del receipts[scope, key]
        return is_older

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        receipts = self._access.write().receipts
        older = [name for name, receipt in receipts.items() if receipt.created_at < than]
        for name in older[:limit]:
            del receipts[name]
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
