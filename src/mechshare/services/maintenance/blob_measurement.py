"""Measures stored files whose size is unknown because their references were written before sizes were recorded."""

from mechshare.domain.jobs import Job
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.blob_facts import facts_of

_BATCH_SIZE = 100


class MeasureBlobs:
    """The job `measure_blobs`: stores the size and SHA-256 of each file that has none.

    Each result is stored separately, so that the next run continues after an interruption. A file that the store has
    lost stays unmeasured.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def run(self, job: Job, progress: Progress) -> Completion:
        await progress("measure", 0.0)
        last = ""
        while True:
            async with self._database.read() as tx:
                batch = await tx.blob_references.find_unmeasured(after=last, limit=_BATCH_SIZE)
            for reference in batch:
                await self._measure(reference.key)
            if len(batch) < _BATCH_SIZE:
                return write_nothing
            last = batch[-1].key

    async def _measure(self, key: str) -> None:
        facts = await facts_of(self._blobs, key)
        if facts is not None:
            async with self._database.begin() as tx:
                await tx.blob_references.set_facts(facts)

    async def on_failed(self, tx: UnitOfWork, job: Job, failure: ProcessingFailure) -> None:
        """Does nothing: the next job measures the remaining files."""

    async def on_retry(self, tx: UnitOfWork, job: Job) -> None:
        """Does nothing: the next attempt continues with the remaining files."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that has the lease continues with the remaining files."""
