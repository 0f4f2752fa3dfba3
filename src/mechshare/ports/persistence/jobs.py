"""The job ledger, and what people ask of jobs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest


class JobLedger(Protocol):
    """What workers do with jobs. Leases and due times are judged by the database's own clock.

    Methods with a `fence` change nothing and give False unless the job is running under exactly this fence.
    """

    async def add(self, *new: Job, unless_waiting: bool = False) -> None:
        """New jobs, due at once; `unless_waiting`, however many ask, one that has not ended of a kind and subject."""

    async def claim(
        self, lease: timedelta, *, created_before: datetime | None = None, kind: JobKind | None = None
    ) -> Job | None:
        """A job that is due (of `kind`), now running with attempt and fence one higher; None if none is due.

        Owners take turns: work of nobody and of owners who were never served comes first, then the owner least recently
        served; of one owner, and of one `kind`, the job that has been due longest.

        However many claim at the same moment, each job goes to one. With `created_before` the oldest of those that
        were asked for before then, due or not, of any kind.
        """

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        """Extends the lease and notes how far the work is."""

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        """Ends the job as DONE, FAILED or CANCELLED."""

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        """Back to the queue, due after `delay`; the attempt that this ends is remembered."""

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        """Running jobs whose lease has run out, longest ago first."""


class JobRepository(Protocol):
    """What people and other services ask of jobs."""

    async def find_by_id(self, id: JobId) -> Job | None: ...

    async def find_latest(self, kind: JobKind, *subjects: str) -> tuple[Job, ...]:
        """For each of these subjects, 1,000 at most, the one of this kind that was created last, if there is one.

        They come in any order.
        """

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        """Newest first; positions are (created_at, id)."""

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        """Those after which the job was put off, oldest first; of more than MAX_ATTEMPTS_LISTED the last ones."""

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        """The jobs that have not ended; nothing for kinds and states of which there are none."""

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        """Deletes up to `limit` jobs that ended in `state` before then, with their attempts; how many there were."""

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        """Cancels those of this kind for these subjects, 1,000 at most, that have not ended, and their workers' fences;
        how many were."""
