"""Work that has been promised and is still to be done: the rows of the job ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.ids import JobId
from mechshare.domain.media import ProcessingFailure

LEASE = timedelta(seconds=15)
"""How long a worker may be silent before its job is another's."""
HEARTBEAT = timedelta(seconds=5)
MOST_ATTEMPTS = 5
DEADLINE = timedelta(hours=24)
"""How long after it was asked for a job may still be tried."""


class JobKind(StrEnum):
    PROCESS_MECHANISM_FILE = "process_mechanism_file"
    INDEX_MECHANISM = "index_mechanism"
    DELETE_BLOBS = "delete_blobs"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the ledger.

    `subject` names what it works on (a mechanism's id, or a blob key for DELETE_BLOBS). `fence` rises with every
    claim: only the holder of the newest fence may write the outcome. `progress` is 0..1 within `step`.
    """

    id: JobId
    kind: JobKind
    subject: str
    state: JobState = JobState.QUEUED
    attempt: int = 0
    fence: int = 0
    run_after: datetime
    lease_until: datetime | None = None
    step: str = ""
    progress: float = 0.0
    failure: ProcessingFailure | None = None
    request_id: str = ""
    created_at: datetime
    ended_at: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Whether its deadline has passed: the attempt under way is the last."""
        return now >= self.created_at + DEADLINE

    def may_be_tried_again(self, now: datetime) -> bool:
        return self.attempt < MOST_ATTEMPTS and not self.is_overdue(now)


def backoff(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th failure, 1-based: 2, 4, 8, 16, 32 s, and then a minute each time."""
    return timedelta(seconds=min(2 ** min(attempt, 6), 60))


def new_job(id: JobId, kind: JobKind, subject: str, *, now: datetime, request_id: str = "") -> Job:
    return Job(id=id, kind=kind, subject=subject, run_after=now, created_at=now, request_id=request_id)
