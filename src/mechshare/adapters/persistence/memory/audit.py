"""The audit log in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.tables import AUDIT
from mechshare.domain.audit import EVERY_ENTRY, AuditAction, AuditEntry, AuditFilter
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.audit import AuditLog


class MemoryAuditLog(AuditLog):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, entry: AuditEntry) -> None:
        self._access.write(AUDIT).insert(entry)

    async def failed_sign_ins(
        self, since: datetime, until: datetime, *, subject: str = "", address: str = ""
    ) -> int:
        return sum(
            entry.action is AuditAction.SIGN_IN_FAILED
            and since <= entry.at <= until
            and subject in ("", entry.subject)
            and address in ("", entry.address)
            for entry in self._access.read(AUDIT)
        )

    async def find_all(self, request: PageRequest, conditions: AuditFilter = EVERY_ENTRY) -> Page[AuditEntry]:
        entries = [entry for entry in self._access.read(AUDIT) if conditions.admits(entry)]
        return paged(entries, request, key=lambda entry: (entry.at, entry.id), descending=True)

    async def erase_person(self, user_id: UserId, names: Sequence[str]) -> None:
        entries = self._access.write(AUDIT)
        for entry in entries:
            is_named = entry.subject in names
            if entry.actor_id == user_id or (entry.actor_id is None and is_named):
                entries.put(replace(entry, address="", subject=user_id if is_named else entry.subject))

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        entries = self._access.write(AUDIT)
        old = sorted((entry.at, entry.id) for entry in entries if entry.at < than)[:limit]
        for _, id in old:
            entries.delete(id)
        return len(old)
