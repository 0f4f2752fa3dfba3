"""The audit log in SQL."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.paging import paged
from mechshare.adapters.persistence.sql.tables import audit
from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.pages import Page, PageRequest, Position


class SqlAuditLog:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, entry: AuditEntry) -> None:
        values = {**asdict(entry), "action": entry.action.value}
        await self._connection.execute(insert(audit).values(values))

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        # The action stands in the statement as text, for the partial indexes to be used.
        failures = select(func.count()).where(
            audit.c.action == literal_column(f"'{AuditAction.SIGN_IN_FAILED.value}'"), audit.c.at >= since
        )
        if subject:
            failures = failures.where(audit.c.subject == subject)
        if address:
            failures = failures.where(audit.c.address == address)
        count: int = (await self._connection.execute(failures)).scalar_one()
        return count

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        return await paged(
            self._connection,
            select(audit),
            request,
            key=audit.c.at,
            id=audit.c.id,
            descending=True,
            value=_entry,
            position=lambda entry: Position(key=entry.at, id=entry.id),
            counted=select(audit.c.id),
        )


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**{**row._mapping, "action": AuditAction(row.action)})
