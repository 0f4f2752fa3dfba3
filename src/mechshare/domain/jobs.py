"""Jobs: the rows of the job ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.errors import Conflict
from mechshare.domain.ids import JobId
from mechshare.domain.media import FailureCode, ProcessingFailure

LEASE = timedelta(seconds=15)
"""The time without renewal after which another worker takes the job."""
HEARTBEAT = timedelta(seconds=5)
MAX_ATTEMPTS = 5
DEADLINE = timedelta(hours=24)
"""The time after its creation during which a job may be tried."""
MAX_BACKOFF = timedelta(seconds=60)
"""The longest pause between two attempts. A job that is due later than that was written before a clock was set back."""
_MAX_FENCE = 10_000
"""More attempts than any job has: while a dependency is away or a disk is full, one each MAX_BACKOFF until DEADLINE."""
MAX_ATTEMPTS_LISTED = 20
"""The number of earlier attempts that a job keeps: the last ones."""
EVERYTHING = "*"
"""The subject of jobs about the whole installation."""


class JobKind(StrEnum):
    PROCESS_MECHANISM_FILE = "process_mechanism_file"
    DRAW_THUMBNAIL = "draw_thumbnail"
    DRAW_MODEL = "draw_model"
    """Draws the thumbnail of an attachment that is a 3-D model."""
    ANALYSE_MOTION = "analyse_motion"
    SEARCH_BY_MOTION = "search_by_motion"
    INDEX_MECHANISM = "index_mechanism"
    """Indexes a mechanism that is public, or was before the change that caused the job."""
    INDEX_DRAFT = "index_draft"
    """Indexes a mechanism that is in no public list, neither before nor after the change."""
    EXPORT_ACCOUNT = "export_account"
    DELIVER_WEBHOOK = "deliver_webhook"
    DELETE_BLOBS = "delete_blobs"
    REBUILD_INDEX = "rebuild_index"
    SWEEP = "sweep"
    MEASURE_BLOBS = "measure_blobs"
    VERIFY_FILES = "verify_files"
    DELETE_EXPIRED_UPLOADS = "delete_expired_uploads"


INDEXING = (JobKind.INDEX_MECHANISM, JobKind.INDEX_DRAFT)
"""The jobs that index one mechanism; those of public mechanisms come first.

They are tried until they are done, without a deadline: meanwhile searches leave their mechanisms out.
"""


class IndexingNotCancellable(Conflict):
    code = "INDEXING_NOT_CANCELLABLE"
    messages = {
        "en": "A job that indexes a mechanism can't be cancelled: until it is done, searches leave the mechanism out.",
        "ja": "機構を索引に登録するジョブは取り消せません。完了するまで、その機構は検索結果に表示されません。",
    }


class Listener(StrEnum):
    """Who waits for the doorbell of the ledger in a process. A ring wakes each of them."""

    WORKERS = "workers"
    """They claim the new jobs."""
    FEEDS = "feeds"
    """They show people what changed: whatever adds a job may have changed it."""


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class AttemptFailed(Exception):
    """An attempt at a job failed for a reason that its owner reads. `permanent` means that a retry can't help."""

    def __init__(self, failure: ProcessingFailure, *, permanent: bool) -> None:
        super().__init__(f"{failure.code.value} {failure.detail}".strip())
        self.failure = failure
        self.permanent = permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One claim of a job. `number` counts from 1, `step` is the last one reached; `failure` is None on success."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    step: str
    failure: ProcessingFailure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The number of jobs, and the creation time of the oldest."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the ledger.

    `subject` is the object of the work: a mechanism's id, a blob key for DELETE_BLOBS and SEARCH_BY_MOTION, the id
    of an attachment or export, a webhook with a notification, or EVERYTHING. `fence` grows
    with every claim; only the worker with the newest fence may write the outcome. `progress` is 0..1 within `step`.
    `started_at` is the time of the last claim. `owner` is the user whose file the job processes, "" for all other work;
    owners take turns.
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
        """Whether the deadline has passed; the attempt under way is then the last. Jobs of INDEXING have none."""
        return self.kind not in INDEXING and now >= self.created_at + DEADLINE

    @property
    def last_attempt(self) -> Attempt | None:
        """The attempt under way, or the one that ended the job; None while the job waits."""
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
        """Whether another attempt is allowed after the current one and the `earlier` ones; outages do not count.

        Always for jobs of INDEXING.
        """
        counted = sum(
            attempt.failure is None or attempt.failure.code is not FailureCode.UNAVAILABLE
            for attempt in earlier
        )
        return self.kind in INDEXING or (counted + 1 < MAX_ATTEMPTS and not self.is_overdue(now))


def backoff(attempt: int) -> timedelta:
    """Returns the pause after attempt number `attempt`, from 1: 2, 4, 8, 16, 32 s, then 60 s."""
    return min(timedelta(seconds=2 ** min(attempt, 6)), MAX_BACKOFF)


def file_number(series: int, fence: int) -> int:
    """Returns the number in the keys of the files that the attempt `fence` of a job makes: one that no attempt of
    another `series` has, such as another version of the mechanism."""
    return series * _MAX_FENCE + fence


def new_job(
    id: JobId, kind: JobKind, subject: str, *, now: datetime, request_id: str = "", owner: str = ""
) -> Job:
    return Job(
        id=id, kind=kind, subject=subject, run_after=now, created_at=now, request_id=request_id, owner=owner
    )
