"""Reports in memory."""

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import ReportId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.reports import Report, ReportDecided
from mechshare.ports.persistence.reports import ReportRepository

REPORTS = Table(
    "reports",
    Report,
    id=KEY,
    mechanism_id=Column(refers_to=MECHANISMS, cascades=True),
    user_id=Column(refers_to=USERS, cascades=True),
    reporter_id=Column(refers_to=USERS, cascades=True),
)


class MemoryReportRepository(ReportRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, report: Report) -> None:
        try:
            self._access.write(REPORTS).insert(report)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: ReportId) -> Report | None:
        return self._access.read(REPORTS).find(id)

    async def decide(self, report: Report) -> None:
        stored = await self.find_by_id(report.id)
        if stored is None or stored.decision is not None:
            raise ReportDecided()
        self._access.write(REPORTS).put(report)

    async def find_undecided(self, request: PageRequest) -> Page[Report]:
        waiting = [report for report in self._access.read(REPORTS) if report.decision is None]
        return paged(waiting, request, key=lambda report: (report.created_at, report.id), descending=False)

    async def find_undecided_of(self, reporter_id: UserId) -> tuple[Report, ...]:
        reports = self._access.read(REPORTS)
        return tuple(one for one in reports if one.reporter_id == reporter_id and one.decision is None)

    async def find_of_reporter(self, reporter_id: UserId, *, limit: int) -> tuple[Report, ...]:
        own = [one for one in self._access.read(REPORTS) if one.reporter_id == reporter_id]
        return _newest(own, limit)

    async def find_decided_about(self, user_id: UserId, *, limit: int) -> tuple[Report, ...]:
        about = [one for one in self._access.read(REPORTS) if one.user_id == user_id and one.decision]
        return _newest(about, limit)


def _newest(reports: list[Report], limit: int) -> tuple[Report, ...]:
    return tuple(sorted(reports, key=lambda one: (one.created_at, one.id), reverse=True)[:limit])
