"""Domain events of reports to the moderators: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.reports import Report


@dataclass(frozen=True, slots=True)
class ReportMade:
    report: Report
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class ReportJudged:
    """A moderator decided about a report."""

    report: Report
    request_metadata: RequestMetadata
