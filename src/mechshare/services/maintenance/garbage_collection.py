"""Deletes data that is no longer needed, and schedules maintenance jobs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from mechshare.domain.errors import Unavailable
from mechshare.domain.events import BlobOrphaned, MaintenanceDue
from mechshare.domain.idempotency import IDEMPOTENCY_LIFETIME
from mechshare.domain.jobs import EVERYTHING, INDEXING, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.notifications import RETENTION as NOTIFICATION_RETENTION
from mechshare.domain.uploads import upload_of
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.ports.search import SearchIndex
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.maintenance.failed_originals import FailedOriginals
from mechshare.services.maintenance.file_scrubbing import find_due_files
from mechshare.services.transactions import Transaction, Transactions

T = TypeVar("T")
_Delete = Callable[[UnitOfWork, int], Awaitable[int]]
"""Deletes at most the given number of rows; returns how many it deleted."""

MAINTENANCE_INTERVAL = timedelta(days=1)
"""The interval of garbage collection, and of measuring files whose size is still unknown."""
ORPHANED_AFTER = timedelta(days=1)
"""A younger blob may belong to an upload or to a clip that is still being processed."""
JOB_RETENTION: Mapping[JobState, timedelta] = {
    JobState.DONE: timedelta(days=7),
    JobState.CANCELLED: timedelta(days=7),
    JobState.FAILED: timedelta(days=90),
}
VERIFICATION_INTERVAL = timedelta(minutes=1)
"""The pause between the beginnings of two jobs that verify files."""
_REBUILD_AGAIN_AFTER = timedelta(minutes=5)
"""The time for which a failed rebuild is not scheduled again, so that the operator can intervene."""
EXPIRED_TOKEN_RETENTION = timedelta(days=30)
"""How long people still see an expired token or invitation, and so why it is refused."""
_BATCH = 500
_SESSION_BATCH = 20
"""Sessions deleted in one transaction. Each may have years of refresh tokens, one for every 15 minutes of use."""


class Scheduler:
    """Enqueues the jobs that are due at intervals, once for all processes."""

    def __init__(self, transactions: Transactions, index: SearchIndex, clock: Clock) -> None:
        self._transactions = transactions
        self._index = index
        self._clock = clock

    async def enqueue_due_jobs(self) -> None:
        """Enqueues due jobs; to be called every few seconds. Raises Unavailable.

        Queues index jobs again that an earlier release failed or cancelled: searches leave their mechanisms out until
        they are done.
        """
        async with self._transactions.begin() as tx:
            for kind in INDEXING:
                await tx.undone_jobs.revive(kind)
        if await self._is_due(JobKind.SWEEP):
            await self._transactions.record(MaintenanceDue(JobKind.SWEEP))
        if await self._has_unmeasured_blobs() and await self._is_due(JobKind.MEASURE_BLOBS):
            await self._transactions.record(MaintenanceDue(JobKind.MEASURE_BLOBS))
        if await self._has_expired_uploads():
            await self._transactions.record(MaintenanceDue(JobKind.DELETE_EXPIRED_UPLOADS))
        if (
            await self._is_due(JobKind.VERIFY_FILES, VERIFICATION_INTERVAL)
            and await self._has_files_to_verify()
        ):
            await self._transactions.record(MaintenanceDue(JobKind.VERIFY_FILES))
        try:
            is_wiped = await self._index.needs_rebuild()
        except Unavailable:
            return  # checked again at the next call
        if is_wiped and not await self._has_failed_lately():
            await self._transactions.record(MaintenanceDue(JobKind.REBUILD_INDEX))

    async def _is_due(self, kind: JobKind, interval: timedelta = MAINTENANCE_INTERVAL) -> bool:
        """Whether the last job of this kind is `interval` old, or from the future, before a clock was set back."""
        last = await self._find_last(kind)
        return last is None or not timedelta(0) <= self._clock.now() - last.created_at < interval

    async def _has_files_to_verify(self) -> bool:
        async with self._transactions.read() as tx:
            return bool(await find_due_files(tx, self._clock.now(), limit=1))

    async def _has_unmeasured_blobs(self) -> bool:
        async with self._transactions.read() as tx:
            return bool(await tx.blob_references.find_unmeasured(limit=1))

    async def _has_expired_uploads(self) -> bool:
        async with self._transactions.read() as tx:
            return bool(await tx.uploads.find_expired(self._clock.now(), limit=1))

    async def _has_failed_lately(self) -> bool:
        rebuilt = await self._find_last(JobKind.REBUILD_INDEX)
        if rebuilt is None or rebuilt.state is not JobState.FAILED:
            return False
        return abs(self._clock.now() - rebuilt.created_at) < _REBUILD_AGAIN_AFTER

    async def _find_last(self, kind: JobKind) -> Job | None:
        async with self._transactions.read() as tx:
            return next(iter(await tx.jobs.find_latest(kind, EVERYTHING)), None)


class GarbageCollection:
    """The job `sweep`: deletes expired idempotency records, sessions, tokens, invitations, reservations, searches by
    motion and exports of accounts, old notifications and entries of the audit log, jobs that ended long ago, files
    whose processing failed long ago, and orphans. It also sets the users of files that the previous release stored.

    A separate job deletes each orphan, so that a crash between the decision and the deletion has no effect. A blob that
    is older than every account is no orphan: then the database is not the one that the files belong to.
    """

    def __init__(
        self,
        database: Database,
        transactions: Transactions,
        blobs: BlobStore,
        clock: Clock,
        failed_originals: FailedOriginals,
        audit_retention: timedelta | None = None,
    ) -> None:
        """`audit_retention` is how long entries of the audit log are stored; None for ever."""
        self._failed_originals = failed_originals
        self._audit_retention = audit_retention
        self._database = database
        self._transactions = transactions
        self._blobs = blobs
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        await progress("rows", 0.0)
        await self._delete_expired_rows()
        await self._failed_originals.delete_due(job.request_id)
        await progress("blobs", 0.0)
        async with self._database.read() as tx:
            since = await tx.users.find_first_created_at()
        if since is not None:
            async for keys in _batches(self._blobs.list("")):
                await self._delete_orphans(keys, since, job)
        return write_nothing

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Does nothing: the next sweep deletes the rest."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Does nothing: each attempt starts from the beginning."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that has the lease starts from the beginning."""

    async def _delete_expired_rows(self) -> None:
        now = self._clock.now()
        expired_before = now - EXPIRED_TOKEN_RETENTION
        notified_before = now - NOTIFICATION_RETENTION
        deletions: list[_Delete] = [
            lambda tx, limit: tx.idempotency_records.delete_older(now - IDEMPOTENCY_LIFETIME, limit=limit),
            lambda tx, limit: tx.personal_access_tokens.delete_expired(expired_before, limit=limit),
            lambda tx, limit: tx.invitations.delete_expired(expired_before, limit=limit),
            lambda tx, limit: tx.storage_quotas.delete_expired(now, limit=limit),
            lambda tx, limit: tx.notifications.delete_older(notified_before, limit=limit),
            lambda tx, limit: tx.motion_searches.delete_expired(now, limit=limit),
            lambda tx, limit: tx.account_exports.delete_expired(now, limit=limit),
            lambda tx, limit: tx.storage_quotas.adopt_files(limit=limit),
        ]
        if self._audit_retention is not None:
            recorded_before = now - self._audit_retention
            deletions.append(lambda tx, limit: tx.audit.delete_older(recorded_before, limit=limit))
        database_time = await self._database.now()  # jobs carry end times of the database's clock
        deletions += [
            _ended_jobs(state, database_time - retention) for state, retention in JOB_RETENTION.items()
        ]
        await self._delete_in_batches(
            lambda tx, limit: tx.sessions.delete_older(now, limit=limit), batch_size=_SESSION_BATCH
        )
        for delete in deletions:
            await self._delete_in_batches(delete)

    async def _delete_in_batches(self, delete: _Delete, *, batch_size: int = _BATCH) -> None:
        """Deletes all matching rows in short transactions: a database may abort a long one and lose its work."""
        deleted = batch_size
        while deleted == batch_size:
            async with self._database.begin() as tx:
                deleted = await delete(tx, batch_size)

    async def _delete_orphans(self, keys: list[str], since: datetime, job: Job) -> None:
        """Deletes those of `keys` that nothing refers to and that were written since `since`, but not lately."""
        async with self._database.read() as tx:
            referenced = await tx.blob_references.find_referenced(keys)
            under_way = await tx.uploads.find_existing([id for key in keys if (id := upload_of(key))])
        before = self._clock.now() - ORPHANED_AFTER
        for key in keys:
            if key in referenced or upload_of(key) in under_way:
                continue
            written_at = await self._blobs.written_at(key)
            if written_at is not None and since <= written_at < before:
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
