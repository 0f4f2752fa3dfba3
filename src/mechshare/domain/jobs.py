"""Work that has been promised and is still to be done: the rows of the job ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.ids import JobId
from mechshare.domain.media import FailureCode, ProcessingFailure

LEASE = timedelta(seconds=15)
"""How long a worker may be silent before its job is another's."""
HEARTBEAT = timedelta(seconds=5)
MAX_ATTEMPTS = 5
DEADLINE = timedelta(hours=24)
"""How long after it was asked for a job may still be tried."""
MAX_ATTEMPTS_LISTED = 20
"""How many of the attempts that ended without ending their job are remembered: the last ones."""
EVERYTHING = "*"
"""The subject of jobs that are about the whole installation."""


class JobKind(StrEnum):
    PROCESS_MECHANISM_FILE = "process_mechanism_file"
    INDEX_MECHANISM = "index_mechanism"
    """Of a mechanism that is public, or was before the change that the job follows from."""
    INDEX_DRAFT = "index_draft"
    """Of one that was not, so that no public list speaks of it."""
    DELETE_BLOBS = "delete_blobs"
    REBUILD_INDEX = "rebuild_index"
    SWEEP = "sweep"
    MEASURE_BLOBS = "measure_blobs"


INDEXING = (JobKind.INDEX_MECHANISM, JobKind.INDEX_DRAFT)
"""What brings the search index up to date with one mechanism; what the public sees first."""


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
class Attempt:
    """One claim of a job, from 1: how far it came (`step`), and why it ended, unless it is under way or succeeded."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    step: str
    failure: ProcessingFailure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many jobs there are, and when the oldest of them was asked for."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the ledger.

    `subject` names what it works on (a mechanism's id, a blob key for DELETE_BLOBS, or EVERYTHING). `fence` rises with
    every claim: only the holder of the newest fence may write the outcome. `progress` is 0..1 within `step`.
    `started_at` is when it was last claimed. `owner` is the user whose clip it processes, "" for all other work: owners
    take turns.
    """

    id: JobId
    kind: JobKind
    subject: str
    state: JobState = JobState.QUEUED
    attempt: int = 0
    fence: int = 0
    run_after: datetime
    started_at: datetime | None = None
    lease_until: datetime | None = None
    step: str = ""
    progress: float = 0.0
    failure: ProcessingFailure | None = None
    request_id: str = ""
    owner: str = ""
    created_at: datetime
    ended_at: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Whether its deadline has passed: the attempt under way is the last."""
        return now >= self.created_at + DEADLINE

    @property
    def last_attempt(self) -> Attempt | None:
        """The one under way, or the one that ended the job; None while it waits."""
        if self.started_at is None or self.state is JobState.QUEUED:
            return None
        return Attempt(
            number=self.attempt,
            started_at=self.started_at,
            ended_at=self.ended_at,
            step=self.step,
            failure=self.failure if self.state.has_ended else None,
        )

    def may_be_tried_again(self, now: datetime, earlier: Sequence[Attempt]) -> bool:
        """Whether it may, after the attempt under way and the `former` ones; those that only waited are not counted."""
        counted = sum(
            attempt.failure is None or attempt.failure.code is not FailureCode.UNAVAILABLE
            for attempt in earlier
        )
        return counted + 1 < MAX_ATTEMPTS and not self.is_overdue(now)


def backoff(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th failure, 1-based: 2, 4, 8, 16, 32 s, and then a minute each time."""
    return timedelta(seconds=min(2 ** min(attempt, 6), 60))


def new_job(
    id: JobId, kind: JobKind, subject: str, *, now: datetime, request_id: str = "", owner: str = ""
) -> Job:
    return Job(
        id=id, kind=kind, subject=subject, run_after=now, created_at=now, request_id=request_id, owner=owner
    )
