"""The job ledger for workers, and the jobs for all others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest


class JobLedger(Protocol):
    """The ledger as workers use it. Leases and due times are judged by the database's own clock.

    Methods with a `fence` change nothing and return False unless the job is running under exactly this fence.
    """

    async def add(self, *new: Job, unless_pending: bool = False) -> None:
        """Stores new jobs, due at once. With `unless_pending` it skips a job if one of its kind and subject has not
        ended, also under concurrent calls."""

    async def claim(
        self,
        lease: timedelta,
        *,
        created_before: datetime | None = None,
        may_index: bool = True,
    ) -> Job | None:
        """Claims a due job (of none of INDEXING without `may_index`) and returns it, running, with attempt and fence
        raised by one; None if none is due.

        Owners take turns: first the jobs without an owner and of owners never served, then those of the owner least
        recently served. Of one owner, the job that has been due longest comes first.

        Each job is claimed once, also under concurrent calls. With `created_before` it claims the oldest job created
        before then, due or not, of any kind that has a deadline (all but INDEXING).
        """

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        """Extends the lease and records the progress."""

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        """Ends the job as DONE, FAILED or CANCELLED."""

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        """Ends the attempt, records it, and queues the job again, due after `delay`."""

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        """Returns running jobs whose lease has expired, the longest expired first."""

    async def pull_back(self, *, due_within: timedelta, lease: timedelta) -> int:
        """Corrects times that were written before the clock was set back; returns the number of jobs.

        Makes due the queued jobs that would be due later than `due_within` from now, and gives `lease` to the running
        jobs whose lease would last longer.
        """


class JobRepository(Protocol):
    """The jobs as users, operators and other services see them."""

    async def find_by_id(self, id: JobId) -> Job | None: ...

    async def find_latest(self, kind: JobKind, *subjects: str) -> tuple[Job, ...]:
        """Returns for each subject (at most 1,000) its newest job of this kind, if there is one, in any order."""

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        """Returns a page, newest first; positions are (created_at, id)."""

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        """Returns the attempts after which the job was rescheduled, oldest first; only the last MAX_ATTEMPTS_LISTED."""

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        """Returns the numbers of jobs that have not ended; kinds and states without jobs are absent."""

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        """Deletes up to `limit` jobs that ended in `state` before `before`, with their attempts; returns how many."""

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        """Cancels the jobs of this kind and these subjects (at most 1,000) that have not ended, and raises their
        fences; returns how many."""


class UndoneJobs(Protocol):
    """The jobs in any state but DONE."""

    async def find_subjects(self, kind: JobKind, limit: int) -> tuple[str, ...]:
        """Returns up to `limit` distinct subjects that have an undone job of this kind, in any order."""

    async def revive(self, kind: JobKind) -> int:
        """Queues the failed and cancelled jobs of this kind again, due at once; returns how many."""
