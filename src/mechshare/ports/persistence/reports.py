"""Stores reports to the moderators."""

from typing import Protocol

from mechshare.domain.ids import ReportId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.reports import Report


class ReportRepository(Protocol):
    async def add(self, report: Report) -> None:
        """Stores a new report. Raises UserNotFound if a user or the mechanism does not exist."""

    async def find_by_id(self, id: ReportId) -> Report | None:
        """Returns the report; a transaction that writes waits for others that have read it so."""

    async def decide(self, report: Report) -> None:
        """Stores the decision. Raises ReportDecided if there is one already."""

    async def find_undecided(self, request: PageRequest) -> Page[Report]:
        """Returns a page of the reports without a decision, oldest first; positions are (created_at, id)."""

    async def find_undecided_of(self, reporter_id: UserId) -> tuple[Report, ...]:
        """Returns the reports of this user without a decision, in any order."""

    async def find_of_reporter(self, reporter_id: UserId, *, limit: int) -> tuple[Report, ...]:
        """Returns the newest reports that the user made, newest first."""

    async def find_decided_about(self, user_id: UserId, *, limit: int) -> tuple[Report, ...]:
        """Returns the newest reports with a decision about the user and the user's mechanisms, newest first."""
