"""Reports in SQL."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import ReportId, UserId
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.reports import Report, ReportDecided
from mechshare.ports.persistence.reports import ReportRepository

_UNDECIDED = text("decision IS NULL")

reports = Table(
    "reports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), index=True),
    # The decision stays when the comment is deleted, so it can't be a foreign key.
    Column("comment_id", Id),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("reporter_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("decision", String(16)),
    Column("decision_reason", Text, nullable=False),
    # Stays when the account is deleted, so it can't be a foreign key.
    Column("decided_by", Id),
    Column("decided_at", UtcTime),
    Index("ix_reports_about", "user_id", "created_at", "id"),
    Index("ix_reports_of_reporter", "reporter_id", "created_at", "id"),
    Index("ix_reports_undecided", "created_at", "id", sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED),
)

_REPORT = record_of(Report, reports)
_INSERT = insert(reports)
_BY_ID = select(reports).where(reports.c.id == bindparam("id"))
_IS_UNDECIDED = reports.c.decision.is_(None)
_DECIDE = (
    update(reports)
    .where(reports.c.id == bindparam("same_id"), _IS_UNDECIDED)
    .values({name: bindparam(name) for name in ("decision", "decision_reason", "decided_by", "decided_at")})
)
_WAITING = paged_query(
    select(reports).where(_IS_UNDECIDED),
    key=reports.c.created_at,
    id=reports.c.id,
    descending=False,
    counted=select(reports.c.id).where(_IS_UNDECIDED),
)
_OF_REPORTER = select(reports).where(reports.c.reporter_id == bindparam("reporter"))
_UNDECIDED_OF_REPORTER = _OF_REPORTER.where(_IS_UNDECIDED)
_NEWEST = (reports.c.created_at.desc(), reports.c.id.desc())
_NEWEST_OF_REPORTER = _OF_REPORTER.order_by(*_NEWEST).limit(bindparam("limit"))
_DECIDED_ABOUT = (
    select(reports)
    .where(reports.c.user_id == bindparam("about"), reports.c.decision.is_not(None))
    .order_by(*_NEWEST)
    .limit(bindparam("limit"))
)


class SqlReportRepository(ReportRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, report: Report) -> None:
        try:
            await self._statements.change(_INSERT, _REPORT.values(report))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: ReportId) -> Report | None:
        await self._statements.lock_row(reports.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _REPORT.value(row) if row else None

    async def decide(self, report: Report) -> None:
        values = _REPORT.values(report)
        names = ("decision", "decision_reason", "decided_by", "decided_at")
        changes = {name: values[name] for name in names}
        if not await self._statements.change(_DECIDE, {**changes, "same_id": report.id}):
            raise ReportDecided()

    async def find_undecided(self, request: PageRequest) -> Page[Report]:
        return await paged(
            self._statements,
            _WAITING,
            request,
            value=_REPORT.value,
            position=lambda report: Position(key=report.created_at, id=report.id),
        )

    async def find_undecided_of(self, reporter_id: UserId) -> tuple[Report, ...]:
        rows = await self._statements.rows(_UNDECIDED_OF_REPORTER, {"reporter": reporter_id})
        return tuple(map(_REPORT.value, rows))

    async def find_of_reporter(self, reporter_id: UserId, *, limit: int) -> tuple[Report, ...]:
        rows = await self._statements.rows(_NEWEST_OF_REPORTER, {"reporter": reporter_id, "limit": limit})
        return tuple(map(_REPORT.value, rows))

    async def find_decided_about(self, user_id: UserId, *, limit: int) -> tuple[Report, ...]:
        rows = await self._statements.rows(_DECIDED_ABOUT, {"about": user_id, "limit": limit})
        return tuple(map(_REPORT.value, rows))
