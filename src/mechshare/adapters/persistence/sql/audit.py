"""The audit log in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, func, insert, literal_column, select

from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import audit
from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.audit import AuditLog

_ENTRY = record_of(AuditEntry, audit)
_INSERT = insert(audit)
_FAILED = select(func.count()).where(
    # A literal: partial indexes don't match a parameter.
    audit.c.action == literal_column(f"'{AuditAction.SIGN_IN_FAILED.value}'"),
    audit.c.at >= bindparam("since"),
)
_OF_SUBJECT = audit.c.subject == bindparam("subject")
_FROM_ADDRESS = audit.c.address == bindparam("address")
_FAILED_SIGN_INS = {
    (False, False): _FAILED,
    (True, False): _FAILED.where(_OF_SUBJECT),
    (False, True): _FAILED.where(_FROM_ADDRESS),
    (True, True): _FAILED.where(_OF_SUBJECT, _FROM_ADDRESS),
}
"""By (is a subject given, is an address given)."""
_NEWEST = paged_query(
    select(audit), key=audit.c.at, id=audit.c.id, descending=True, counted=select(audit.c.id)
)


class SqlAuditLog(AuditLog):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, entry: AuditEntry) -> None:
        await self._statements.change(_INSERT, _ENTRY.values(entry))

    async def failed_sign_ins(self, since: datetime, *, subject: str = "", address: str = "") -> int:
        await self._statements.advisory_lock(f"sign-ins {subject} {address}")
        given = {name: value for name, value in (("subject", subject), ("address", address)) if value}
        counted = _FAILED_SIGN_INS[bool(subject), bool(address)]
        count: int = (await self._statements.row(counted, {"since": since, **given}))[0]
        return count

    async def find_all(self, request: PageRequest) -> Page[AuditEntry]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=_ENTRY.value,
            position=lambda entry: Position(key=entry.at, id=entry.id),
        )
