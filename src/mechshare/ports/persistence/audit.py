"""The audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.audit import EVERY_ENTRY, AuditEntry, AuditFilter
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest


class AuditLog(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def failed_sign_ins(
        self, since: datetime, until: datetime, *, subject: str = "", address: str = ""
    ) -> int:
        """Counts the SIGN_IN_FAILED entries from `since` to `until`, both included, with this subject,
        or from this address (give one)."""

    async def find_all(self, request: PageRequest, conditions: AuditFilter = EVERY_ENTRY) -> Page[AuditEntry]:
        """Returns a page of those that meet `conditions`, newest first; positions are (at, id)."""

    async def erase_person(self, user_id: UserId, names: Sequence[str]) -> None:
        """Removes who a deleted user was: in entries of the user and in those of nobody whose subject is one of
        `names`, the address becomes empty, and such a subject becomes the user's id."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` entries that were written before `than`; returns how many."""
