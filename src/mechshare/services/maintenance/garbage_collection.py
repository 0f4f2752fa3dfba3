"""Removing what nobody needs any more, and seeing to it that somebody does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from mechshare.domain.errors import Unavailable
from mechshare.domain.events import BlobOrphaned, MaintenanceDue
from mechshare.domain.idempotency import IDEMPOTENCY_LIFETIME
from mechshare.domain.jobs import EVERYTHING, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.ports.search import SearchIndex
from mechshare.services.jobs import Completion, Progress, nothing_to_write
from mechshare.services.transactions import Transaction, Transactions

T = TypeVar("T")
_Delete = Callable[[UnitOfWork, int], Awaitable[int]]
"""Deletes so many at most; how many there were."""

MAINTENANCE_INTERVAL = timedelta(days=1)
"""How often garbage is collected, and files are looked for that could not be measured."""
ORPHANED_AFTER = timedelta(days=1)
"""A blob that is younger may be of an upload, or of a clip, that is still under way."""
JOB_RETENTION: Mapping[JobState, timedelta] = {
    JobState.DONE: timedelta(days=7),
    JobState.CANCELLED: timedelta(days=7),
    JobState.FAILED: timedelta(days=90),
}
_REBUILD_AGAIN_AFTER = timedelta(minutes=5)
"""How long a rebuild that failed is left to the operator."""
_BATCH = 500
_SESSION_BATCH = 20
"""At a time: with each goes a refresh token for every quarter of an hour of its use, which may have been years."""


class Scheduler:
    """Enqueues, once for all processes, what has to be done from time to time."""

    def __init__(self, transactions: Transactions, index: SearchIndex, clock: Clock) -> None:
        self._transactions = transactions
        self._index = index
        self._clock = clock

    async def enqueue_due_jobs(self) -> None:
        """To be awaited every few seconds. Raises Unavailable."""
        if await self._is_due(JobKind.SWEEP):
            await self._transactions.record(MaintenanceDue(JobKind.SWEEP))
        if await self._has_unmeasured_blobs() and await self._is_due(JobKind.MEASURE_BLOBS):
            await self._transactions.record(MaintenanceDue(JobKind.MEASURE_BLOBS))
        try:
            is_wiped = await self._index.needs_rebuild()
        except Unavailable:
            return  # when it answers again it can be asked
        if is_wiped and not await self._has_failed_lately():
            await self._transactions.record(MaintenanceDue(JobKind.REBUILD_INDEX))

    async def _is_due(self, kind: JobKind) -> bool:
        last = await self._find_last(kind)
        return last is None or last.created_at <= self._clock.now() - MAINTENANCE_INTERVAL

    async def _has_unmeasured_blobs(self) -> bool:
        async with self._transactions.read() as tx:
            return bool(await tx.blob_references.find_unmeasured(limit=1))

    async def _has_failed_lately(self) -> bool:
        rebuilt = await self._find_last(JobKind.REBUILD_INDEX)
        if rebuilt is None or rebuilt.state is not JobState.FAILED:
            return False
        return rebuilt.created_at > self._clock.now() - _REBUILD_AGAIN_AFTER

    async def _find_last(self, kind: JobKind) -> Job | None:
        async with self._transactions.read() as tx:
            return next(iter(await tx.jobs.find_latest(kind, EVERYTHING)), None)


class GarbageCollection:
    """The job `sweep`: forgets receipts, sessions and jobs that are long over, and deletes blobs that nobody refers to.

    A blob goes by a job of its own, so that a crash between its being condemned and its deletion changes nothing.
    """

    def __init__(
        self, database: Database, transactions: Transactions, blobs: BlobStore, clock: Clock
    ) -> None:
        self._database = database
        self._transactions = transactions
        self._blobs = blobs
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        await progress("rows", 0.0)
        await self._delete_expired_rows()
        await progress("blobs", 0.0)
        async for keys in _batches(self._blobs.list("")):
            await self._delete_orphans(keys, job)
        return nothing_to_write

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """What is left is the next sweep's."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """It begins anew each time."""

    async def on_lost(self, job: Job) -> None:
        """Whoever has the job now begins anew."""

    async def _delete_expired_rows(self) -> None:
        now = self._clock.now()
        await self._delete_in_batches(
            lambda tx, limit: tx.idempotency_records.delete_older(now - IDEMPOTENCY_LIFETIME, limit=limit)
        )
        await self._delete_in_batches(
            lambda tx, limit: tx.sessions.delete_older(now, limit=limit), at_a_time=_SESSION_BATCH
        )
        now_there = await self._database.now()  # by which it was written down when they ended
        for state, retention in JOB_RETENTION.items():
            await self._delete_in_batches(_ended_jobs(state, now_there - retention))

    async def _delete_in_batches(self, delete: _Delete, *, at_a_time: int = _BATCH) -> None:
        """All of them, in short transactions: a database ends what takes it long, and all of that is to do again."""
        deleted = at_a_time
        while deleted == at_a_time:
            async with self._database.begin() as tx:
                deleted = await delete(tx, at_a_time)

    async def _delete_orphans(self, keys: list[str], job: Job) -> None:
        async with self._database.read() as tx:
            referenced = await tx.blob_references.find_referenced(keys)
        before = self._clock.now() - ORPHANED_AFTER
        for key in keys:
            if key in referenced:
                continue
            written_at = await self._blobs.written_at(key)
            if written_at is not None and written_at < before:
                await self._transactions.record(BlobOrphaned(key, job.request_id))


def _ended_jobs(state: JobState, before: datetime) -> _Delete:
    return lambda tx, limit: tx.jobs.delete_ended(before, state=state, limit=limit)


async def _batches(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
