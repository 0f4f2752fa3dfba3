"""The audit log in memory."""

from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.tables import AUDIT
from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.audit import AuditLog


class MemoryAuditLog(AuditLog):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, entry: AuditEntry) -> None:
        self._access.write(AUDIT).insert(entry)

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        return sum(
            entry.action is AuditAction.SIGN_IN_FAILED
            and entry.at >= since
            and subject in ("", entry.subject)
            and address in ("", entry.address)
            for entry in self._access.read(AUDIT)
        )

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        entries = self._access.read(AUDIT)
        return paged(entries, request, key=lambda entry: (entry.at, entry.id), descending=True)
