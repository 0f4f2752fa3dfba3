"""Batches of jobs in memory."""

from collections.abc import Sequence
from datetime import timedelta

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.jobs import MemoryJobLedger, claimed
from mechshare.adapters.persistence.memory.tables import JOBS
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind, JobState
from mechshare.ports.persistence.job_batches import JobBatches


class MemoryJobBatches(JobBatches):
    def __init__(self, access: Access) -> None:
        self._access = access
        self._ledger = MemoryJobLedger(access)

    async def claim(
        self, kind: JobKind, lease: timedelta, *, limit: int, due_for: timedelta = timedelta(0)
    ) -> tuple[Job, ...]:
        latest = self._access.now() - due_for
        due = [
            (job.run_after, job.id)
            for job in self._access.write(JOBS)
            if job.state is JobState.QUEUED and job.kind is kind and job.run_after <= latest
        ]
        return tuple(claimed(self._access, id, lease) for _, id in sorted(due)[:limit])

    async def finish(self, leases: Sequence[tuple[JobId, int]]) -> frozenset[JobId]:
        return frozenset([id for id, fence in leases if await self._ledger.finish(id, fence, JobState.DONE)])
