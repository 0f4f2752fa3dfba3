"""The audit log."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.audit import AuditEntry
from mechshare.domain.pagination import Page, PageRequest


class AuditLog(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        """Counts the SIGN_IN_FAILED entries since then with this subject, or from this address (give one)."""

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        """Returns a page, newest first; positions are (at, id)."""
