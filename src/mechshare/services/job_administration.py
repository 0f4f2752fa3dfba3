"""Shows, retries and cancels jobs for operators."""

from collections.abc import Mapping

from mechshare.domain.errors import JobNotCancellable, JobNotFound, JobNotRetryable
from mechshare.domain.events import JobRetried
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import INDEXING, Attempt, Backlog, IndexingNotCancellable, Job, JobKind, JobState
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest
from mechshare.services.jobs import JobHandler, history
from mechshare.services.transactions import Transactions


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

        Raises JobNotFound, JobNotCancellable, IndexingNotCancellable.
        """
        async with self._transactions.begin() as tx:
            job = _existing(await tx.jobs.find_by_id(job_id))
            if job.kind in INDEXING and not job.state.has_ended:
                raise IndexingNotCancellable()
            handler = self._handlers[job.kind]
            if not job.state.has_ended:
                await handler.on_failed(tx, job, ProcessingFailure(code=FailureCode.CANCELLED))
            if job.state.has_ended or not await tx.jobs.cancel(job.kind, job.subject):
                raise JobNotCancellable(state=job.state.value)


def _existing(job: Job | None) -> Job:
    if job is None:
        raise JobNotFound()
    return job
