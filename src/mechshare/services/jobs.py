"""Runs the jobs of the ledger; each one ends as done, cancelled, or failed with a reason."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from mechshare.domain.errors import (
    OutOfSpace,
    Unavailable,
)
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import (
    DEADLINE,
    INDEXING,
    LEASE,
    MAX_BACKOFF,
    Attempt,
    AttemptFailed,
    Backlog,
    Job,
    JobKind,
    JobState,
    backoff,
)
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.ports.clock import Clock
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.claims import MAX_INDEX_BATCH, claim_index_jobs
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.support.job_progress import JobProgress, LostLease, Renewal
from mechshare.services.support.outage_watch import OutageWatch
from mechshare.services.transactions import Transaction, Transactions

POLL_INTERVAL = timedelta(seconds=1)
"""The longest sleep of a worker; it bounds the delay when a ring of the doorbell is lost."""
RETRY_INTERVAL = timedelta(seconds=1)
"""The pause before the outcome of an attempt is written again."""
INDEX_INTERVAL = timedelta(seconds=2)
"""How long a process rests from index jobs after a batch that was not full: what is written meanwhile shares the next
one."""
LATE = timedelta(seconds=5)
"""How long a job on the search index waits for a worker before any process runs it."""
_INDEX_WORK = (*INDEXING, JobKind.REBUILD_INDEX)
Progress = Callable[[str, float], Awaitable[None]]
"""Reports the name of a job's step and the progress within it, 0..1."""
Completion = Callable[[Transaction], Awaitable[None]]
"""Writes a job's result in the transaction that ends the job, so the result is written once or not at all."""


async def write_nothing(tx: Transaction) -> None:
    """The completion of a job that writes nothing in the transaction that ends it."""


class JobHandler(Protocol):
    async def run(self, job: Job, progress: Progress) -> Completion:
        """Does the work outside any transaction. It may run more than once, so it must be idempotent.

        Raises AttemptFailed; LostLease; Unavailable and OutOfSpace, which do not count against the job; and anything
        else.
        """
        ...

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes what follows when the job fails for good."""
        ...

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes what follows when an operator retries a failed job. Raises NothingToRetry."""
        ...

    async def on_lost(self, job: Job) -> None:
        """Discards what the attempt made; called when the attempt has lost its lease."""
        ...


class JobObserver(Protocol):
    """Receives the outcome of every attempt, for logs and metrics."""

    def attempt_ended(self, job: Job, state: JobState, failure: ProcessingFailure | None) -> None: ...

    def attempt_crashed(self, job: Job, error: Exception) -> None: ...

    def attempt_lost(self, job: Job) -> None:
        """The attempt no longer owned the job when its outcome was to be written."""
        ...


class JobRunner:
    """Claims jobs and runs them. Any number of runners, in any number of processes, share the ledger."""

    def __init__(
        self,
        transactions: Transactions,
        handlers: Mapping[JobKind, JobHandler],
        doorbell: Doorbell,
        clock: Clock,
        observer: JobObserver,
    ) -> None:
        self._transactions = transactions
        self._handlers = handlers
        self._doorbell = doorbell
        self._clock = clock
        self._observer = observer
        self._index_is_next = True
        self._next_batch_at = 0.0
        """When index jobs may be claimed again, by the clock of the event loop."""
        # The jobs of a batch have their heartbeats, and end, at the same time: each time they share a transaction.
        self._renewals = DataLoader(self._renew_each, max_batches=1, max_size=MAX_INDEX_BATCH)
        self._endings = DataLoader(self._end_each, max_batches=1, max_size=MAX_INDEX_BATCH)
        self._outages = OutageWatch()

    async def run_next(self) -> None:
        """Runs what `run_one` does, index jobs in batches at INDEX_INTERVAL; or waits for work if there is none, for
        POLL_INTERVAL at most."""
        rest = timedelta(seconds=max(0.0, self._next_batch_at - asyncio.get_running_loop().time()))
        if await self.run_one(may_index=not rest) is None:
            await self._doorbell.wait(min(rest or POLL_INTERVAL, POLL_INTERVAL))

    async def run_one(self, *, may_index: bool = True) -> Job | None:
        """Claims and runs one job that is due; returns the job, or None if none was due.

        Claims alternate between index jobs (those of public mechanisms first) and others, so that neither a published
        mechanism waits for all earlier files nor files wait for the index. After a claim that found none, others come
        first. Up to MAX_INDEX_BATCH index jobs of one kind run together, since the index stores many documents at about
        the cost of one; then it returns the first of them. Without `may_index`, it runs no index jobs.
        """
        async with self._transactions.begin() as tx:
            jobs = await self._claim(tx, may_index=may_index)
        are_index_jobs = bool(jobs) and jobs[0].kind in INDEXING
        self._index_is_next = bool(jobs) and not are_index_jobs
        if are_index_jobs and len(jobs) < MAX_INDEX_BATCH:
            self._next_batch_at = asyncio.get_running_loop().time() + INDEX_INTERVAL.total_seconds()
        await asyncio.gather(*map(self._attempt, jobs))
        return jobs[0] if jobs else None

    async def _claim(self, tx: UnitOfWork, *, may_index: bool) -> Sequence[Job]:
        if may_index and self._index_is_next and (jobs := await claim_index_jobs(tx)):
            return jobs
        if job := await tx.ledger.claim(LEASE, may_index=False):
            return [job]
        return await claim_index_jobs(tx) if may_index and not self._index_is_next else ()

    async def run_late_index_job(self) -> Job | None:
        """Claims and runs one job on the search index that has been due for LATE: no worker is there, or all are busy.

        Returns the job, or None if none is late. To be called by every process, also by one that runs no other jobs.
        """
        async with self._transactions.read() as tx:
            backlog = await tx.jobs.find_backlog()
        before = self._clock.now() - LATE
        late = [kind for kind in _INDEX_WORK if _is_older(backlog.get((kind, JobState.QUEUED)), before)]
        job = await self._claim_late(late)
        if job is not None:
            await self._attempt(job)
        return job

    async def _claim_late(self, kinds: Sequence[JobKind]) -> Job | None:
        for kind in kinds:
            async with self._transactions.begin() as tx:
                if jobs := await tx.job_batches.claim(kind, LEASE, limit=1, due_for=LATE):
                    return jobs[0]
        return None

    async def wake(self) -> None:
        """Wakes all waiting runners of this process."""
        await self._doorbell.ring()

    async def reap(self) -> int:
        """Reschedules or fails the jobs whose lease has expired, and fails those that are queued beyond their deadline;
        returns how many.

        A lease that may have expired because the database was away does not count as an attempt. Raises Unavailable.
        """
        try:
            ended = await self._reap_expired()
            return ended + await self._end_overdue(self._clock.now() - DEADLINE)
        except Unavailable:
            self._outages.interrupt()
            raise

    async def _reap_expired(self) -> int:
        now = await self._transactions.now()
        self._outages.observe(now, asyncio.get_running_loop().time())
        async with self._transactions.begin() as tx:
            await tx.ledger.pull_back(due_within=MAX_BACKOFF, lease=LEASE)
        async with self._transactions.read() as tx:
            expired = await tx.ledger.find_expired(limit=100)
        lost = [job for job in expired if not self._outages.is_owner_returning(job, now)]
        for job in lost:
            await self._take_back(job)
        if lost:
            await self._doorbell.ring()
        return len(lost)

    async def _end_overdue(self, latest: datetime) -> int:
        """Fails the jobs created before `latest` that are still queued; returns how many."""
        async with self._transactions.read() as tx:
            backlog = await tx.jobs.find_backlog()
        if not any(
            waiting.oldest < latest
            for (kind, state), waiting in backlog.items()
            if state is JobState.QUEUED and kind not in INDEXING
        ):
            return 0
        ended = 0
        while True:
            async with self._transactions.begin() as tx:
                job = await tx.ledger.claim(LEASE, created_before=latest)
            if job is None:
                return ended
            ended += 1
            await self._fail(job, job.failure or ProcessingFailure(code=FailureCode.WORKER_LOST))

    async def _take_back(self, job: Job) -> None:
        """Ends the attempt of a job whose lease has expired."""
        if self._outages.explain(job):
            failure = ProcessingFailure(code=FailureCode.UNAVAILABLE, detail="the database was away")
            await self._fail(job, failure, until_deadline=True)
        else:
            await self._fail(job, ProcessingFailure(code=FailureCode.WORKER_LOST))

    async def _attempt(self, job: Job) -> None:
        handler = self._handlers[job.kind]
        progress = JobProgress(job, self._renewals.load)
        heartbeat = asyncio.create_task(progress.beat())
        try:
            completion = await self._run_while_owned(handler.run(job, progress.report), progress, heartbeat)
            is_lease_held = await _written(self._complete, job, completion)
        except LostLease:
            is_lease_held = False
        except AttemptFailed as failed:
            is_lease_held = await _written(self._fail, job, failed.failure, permanent=failed.permanent)
        except (Unavailable, OutOfSpace) as error:
            failure = ProcessingFailure(code=FailureCode.UNAVAILABLE, detail=error.message)
            is_lease_held = await _written(self._fail, job, failure, until_deadline=True)
        except Exception as error:
            self._observer.attempt_crashed(job, error)
            failure = ProcessingFailure(code=FailureCode.CRASHED, detail=type(error).__name__)
            is_lease_held = await _written(self._fail, job, failure)
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)
        if not is_lease_held:
            self._observer.attempt_lost(job)
            await handler.on_lost(job)

    async def _run_while_owned(
        self, work: Awaitable[Completion], progress: JobProgress, heartbeat: "asyncio.Task[None]"
    ) -> Completion:
        """Returns the result of `work`. Cancels it and raises LostLease as soon as a heartbeat finds the lease lost.

        When `work` raises, it records the step that failed, and raises the same.
        """
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait({working, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                heartbeat.result()
                raise LostLease()
            return await working
        except Exception:
            await progress.renew()
            raise
        finally:
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _renew_each(self, renewals: Sequence[Renewal]) -> Sequence[bool]:
        """Renews these leases in one transaction; returns for each whether it was held."""
        async with self._transactions.begin() as tx:
            return [
                await tx.ledger.renew(each.id, each.fence, LEASE, each.step, each.progress)
                for each in renewals
            ]

    async def _complete(self, job: Job, completion: Completion) -> bool:
        if completion is write_nothing:
            is_lease_held = await self._endings.load((job.id, job.fence))
            if not is_lease_held:
                raise LostLease()
        else:
            async with self._transactions.begin() as tx:
                await completion(tx)
                if not await tx.ledger.finish(job.id, job.fence, JobState.DONE):
                    raise LostLease()
        self._observer.attempt_ended(job, JobState.DONE, None)
        return True

    async def _end_each(self, leases: Sequence[tuple[JobId, int]]) -> Sequence[bool]:
        """Ends these jobs in one transaction; returns for each whether its lease was held."""
        async with self._transactions.begin() as tx:
            ended = await tx.job_batches.finish(leases)
        return [id in ended for id, _ in leases]

    async def _fail(
        self, job: Job, failure: ProcessingFailure, *, permanent: bool = False, until_deadline: bool = False
    ) -> bool:
        """Reschedules or fails the job; returns False if the lease was lost. `until_deadline` ignores the limit on
        attempts."""
        overdue = job.is_overdue(self._clock.now())
        if overdue and not permanent:
            failure = ProcessingFailure(code=FailureCode.DEADLINE_PASSED, detail=failure.code.value)
        try:
            async with self._transactions.begin() as tx:
                again = not (permanent or overdue) and (
                    until_deadline
                    or job.may_be_tried_again(self._clock.now(), await tx.jobs.find_attempts(job.id))
                )
                if again:
                    is_lease_held = await tx.ledger.postpone(job.id, job.fence, backoff(job.attempt), failure)
                else:
                    # All transactions lock the subject first and the job last, so that they never deadlock.
                    await self._handlers[job.kind].on_failed(tx, job, failure)
                    is_lease_held = await tx.ledger.finish(job.id, job.fence, JobState.FAILED, failure)
                if not is_lease_held:
                    raise LostLease()
        except LostLease:
            return False
        self._observer.attempt_ended(job, JobState.QUEUED if again else JobState.FAILED, failure)
        return True


async def _written(write: Callable[..., Awaitable[bool]], *outcome: Any, **options: Any) -> bool:
    """Calls `write` until the database responds: an attempt whose outcome is not written would be repeated."""
    while True:
        try:
            return await write(*outcome, **options)
        except Unavailable:
            await asyncio.sleep(RETRY_INTERVAL.total_seconds())


def _is_older(backlog: Backlog | None, than: datetime) -> bool:
    return backlog is not None and backlog.oldest <= than


async def history(tx: UnitOfWork, job: Job) -> tuple[Attempt, ...]:
    """Returns the attempts at `job`, oldest first, including the current one."""
    attempts = await tx.jobs.find_attempts(job.id)
    return (*attempts, job.last_attempt) if job.last_attempt else attempts
