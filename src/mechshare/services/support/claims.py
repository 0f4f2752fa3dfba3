"""Claims jobs that run together."""

from mechshare.domain.jobs import INDEXING, LEASE, Job
from mechshare.ports.persistence.database import UnitOfWork

MAX_INDEX_BATCH = 200
"""The maximum number of index jobs that a runner claims together."""


async def claim_index_jobs(tx: UnitOfWork) -> tuple[Job, ...]:
    """Claims up to MAX_INDEX_BATCH due index jobs of one kind, those of public mechanisms first."""
    for kind in INDEXING:
        if jobs := await tx.job_batches.claim(kind, LEASE, limit=MAX_INDEX_BATCH):
            return jobs
    return ()
