"""Claims jobs that run together."""

from mechshare.domain.jobs import INDEXING, LEASE, Job
from mechshare.ports.persistence.database import UnitOfWork

MAX_INDEX_BATCH = 100
"""The maximum number of index jobs that a runner claims together."""


async def claim_index_jobs(tx: UnitOfWork) -> list[Job]:
    """Claims up to MAX_INDEX_BATCH due index jobs of one kind, those of public mechanisms first."""
    for kind in INDEXING:
        jobs: list[Job] = []
        while len(jobs) < MAX_INDEX_BATCH and (job := await tx.ledger.claim(LEASE, kind=kind)):
            jobs.append(job)
        if jobs:
            return jobs
    return []
