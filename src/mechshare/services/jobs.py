"""Runs the jobs of the ledger; each one ends as done, cancelled, or failed with a reason."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.errors import (
    JobNotCancellable,
    JobNotFound,
    JobNotRetryable,
    OutOfSpace,
    Unavailable,
)
from mechshare.domain.events import JobRetried
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import (
    DEADLINE,
    HEARTBEAT,
    INDEXING,
    LEASE,
    Attempt,
    Backlog,
    Job,
    JobKind,
    JobState,
    backoff,
)
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.clock import Clock
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.media import MediaRejected
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.transactions import Transaction, Transactions

POLL_INTERVAL = timedelta(seconds=1)
"""The longest sleep of a worker; it bounds the delay when a ring of the doorbell is lost."""
Progress = Callable[[str, float], Awaitable[None]]
"""Reports the name of a job's step and the progress within it, 0..1. Raises LostLease."""
Completion = Callable[[Transaction], Awaitable[None]]
"""Writes a job's result in the transaction that ends the job, so the result is written once or not at all."""


async def write_nothing(tx: Transaction) -> None:
    """The completion of a job that writes nothing in the transaction that ends it."""


class JobHandler(Protocol):
    async def run(self, job: Job, progress: Progress) -> Completion:
        """Does the work outside any transaction. It may run more than once, so it must be idempotent.

        Raises MediaRejected; LostLease; Unavailable and OutOfSpace, which do not count against the job; and anything
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


class LostLease(Exception):
    """The worker no longer owns the job; the result of its attempt is discarded."""


class JobRunner:
    """Claims jobs one at a time and runs them. Any number of runners, in any number of processes, share the ledger."""

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

    async def run_one(self) -> Job | None:
        """Claims and runs one job that is due; returns the job, or None if none was due.

        Claims alternate between index jobs (public mechanisms first) and all jobs, so that neither a published
        mechanism waits for all earlier clips nor clips wait for the index.
        """
        async with self._transactions.begin() as tx:
            job = await _claim_indexing(tx) if self._index_is_next else None
            job = job or await tx.ledger.claim(LEASE)
        self._index_is_next = job is None or job.kind not in INDEXING
        if job is not None:
            await self._attempt(job)
        return job

    async def wait_for_work(self) -> None:
        """Returns soon after a ring, and after POLL_INTERVAL at the latest."""
        await self._doorbell.wait(POLL_INTERVAL)

    async def wake(self) -> None:
        """Wakes all waiting runners of this process."""
        await self._doorbell.ring()

    async def reap(self) -> int:
        """Reschedules or fails the jobs whose lease has expired, and fails those that are queued beyond their deadline;
        returns how many."""
        latest = self._clock.now() - DEADLINE
        async with self._transactions.read() as tx:
            expired = await tx.ledger.find_expired(limit=100)
            backlog = await tx.jobs.find_backlog()
        for job in expired:
            await self._take_back(job, ProcessingFailure(code=FailureCode.WORKER_LOST))
        if expired:
            await self._doorbell.ring()
        if not any(
            waiting.oldest < latest for (_, state), waiting in backlog.items() if state is JobState.QUEUED
        ):
            return len(expired)
        return len(expired) + await self._end_overdue(latest)

    async def _end_overdue(self, latest: datetime) -> int:
        ended = 0
        while True:
            async with self._transactions.begin() as tx:
                job = await tx.ledger.claim(LEASE, created_before=latest)
            if job is None:
                return ended
            ended += 1
            await self._take_back(job, job.failure or ProcessingFailure(code=FailureCode.WORKER_LOST))

    async def _take_back(self, job: Job, failure: ProcessingFailure) -> None:
        await self._fail(job, failure)

    async def _attempt(self, job: Job) -> None:
        handler = self._handlers[job.kind]
        progress = _Progress(self._transactions, job)
        heartbeat = asyncio.create_task(progress.beat())
        try:
            completion = await self._run_while_owned(handler.run(job, progress.report), heartbeat)
            is_lease_held = await self._complete(job, completion)
        except LostLease:
            is_lease_held = False
        except MediaRejected as rejected:
            is_lease_held = await self._fail(job, rejected.failure, permanent=rejected.permanent)
        except (Unavailable, OutOfSpace) as error:
            failure = ProcessingFailure(code=FailureCode.UNAVAILABLE, detail=error.message)
            is_lease_held = await self._fail(job, failure, until_deadline=True)
        except Exception as error:
            self._observer.attempt_crashed(job, error)
            failure = ProcessingFailure(code=FailureCode.CRASHED, detail=type(error).__name__)
            is_lease_held = await self._fail(job, failure)
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)
        if not is_lease_held:
            self._observer.attempt_lost(job)
            await handler.on_lost(job)

    async def _run_while_owned(
        self, work: Awaitable[Completion], heartbeat: "asyncio.Task[None]"
    ) -> Completion:
        """Returns the result of `work`. Cancels it and raises LostLease as soon as a heartbeat finds the lease lost."""
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait({working, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                heartbeat.result()
                raise LostLease()
            return await working
        finally:
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _complete(self, job: Job, completion: Completion) -> bool:
        async with self._transactions.begin() as tx:
            await completion(tx)
            if not await tx.ledger.finish(job.id, job.fence, JobState.DONE):
                raise LostLease()
        self._observer.attempt_ended(job, JobState.DONE, None)
        return True

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


async def _claim_indexing(tx: UnitOfWork) -> Job | None:
    for kind in INDEXING:
        if job := await tx.ledger.claim(LEASE, kind=kind):
            return job
    return None


class _Progress:
    """Renews the lease of a job while it is worked on, and records its progress."""

    def __init__(self, transactions: Transactions, job: Job) -> None:
        self._transactions = transactions
        self._job = job
        self._step = ""
        self._fraction = 0.0

    async def report(self, step: str, fraction: float) -> None:
        is_new_step = step != self._step
        self._step, self._fraction = step, fraction
        if is_new_step and not await self._renew():
            raise LostLease()

    async def beat(self) -> None:
        """Renews the lease at each heartbeat; returns when the lease is lost."""
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds())
            if not await self._renew():
                return

    async def _renew(self) -> bool:
        """Renews the lease; returns False if it is lost.

        Returns True if the database is unavailable: no other worker can claim the job meanwhile. A lease that expired
        during the outage is found at the next heartbeat, or when the outcome is written.
        """
        try:
            async with self._transactions.begin() as tx:
                return await tx.ledger.renew(self._job.id, self._job.fence, LEASE, self._step, self._fraction)
        except Unavailable:
            return True


class JobService:
    """Shows, retries and cancels jobs for operators on the command line."""

    def __init__(self, transactions: Transactions, handlers: Mapping[JobKind, JobHandler]) -> None:
        self._transactions = transactions
        self._handlers = handlers

    async def find_all(self, request: PageRequest, state: JobState | None = None) -> Page[Job]:
        async with self._transactions.read() as tx:
            return await tx.jobs.find_all(request, state=state)

    async def get_job(self, job_id: JobId) -> Job:
        """Returns the job. Raises JobNotFound."""
        async with self._transactions.read() as tx:
            return _existing(await tx.jobs.find_by_id(job_id))

    async def find_history(self, job_id: JobId) -> tuple[Attempt, ...]:
        """Returns the attempts at a job, oldest first, including the current one. Raises JobNotFound."""
        async with self._transactions.read() as tx:
            return await history(tx, _existing(await tx.jobs.find_by_id(job_id)))

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        """Counts the jobs that have not ended, by kind and state."""
        async with self._transactions.read() as tx:
            return await tx.jobs.find_backlog()

    async def retry(self, job_id: JobId) -> JobId:
        """Enqueues the work of a failed or cancelled job again; returns the id of the new job.

        Raises JobNotFound, JobNotRetryable; NothingToRetry if the work has been done meanwhile.
        """
        async with self._transactions.begin() as tx:
            job = _existing(await tx.jobs.find_by_id(job_id))
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise JobNotRetryable(state=job.state.value)
            await self._handlers[job.kind].on_retry(tx, job)
            await tx.record(JobRetried(job))
            return (await tx.jobs.find_latest(job.kind, job.subject))[0].id

    async def cancel(self, job_id: JobId) -> None:
        """Cancels a job that has not ended; a worker that runs it stops at its next heartbeat.

        Raises JobNotFound, JobNotCancellable.
        """
        async with self._transactions.begin() as tx:
            job = _existing(await tx.jobs.find_by_id(job_id))
            handler = self._handlers[job.kind]
            if not job.state.has_ended:
                await handler.on_failed(tx, job, ProcessingFailure(code=FailureCode.CANCELLED))
            if job.state.has_ended or not await tx.jobs.cancel(job.kind, job.subject):
                raise JobNotCancellable(state=job.state.value)


async def history(tx: UnitOfWork, job: Job) -> tuple[Attempt, ...]:
    """Returns the attempts at `job`, oldest first, including the current one."""
    attempts = await tx.jobs.find_attempts(job.id)
    return (*attempts, job.last_attempt) if job.last_attempt else attempts


def _existing(job: Job | None) -> Job:
    if job is None:
        raise JobNotFound()
    return job
