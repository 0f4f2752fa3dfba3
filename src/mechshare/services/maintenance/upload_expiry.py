"""Deletes uploads that nobody continued."""

from mechshare.domain.jobs import Job
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.ports.uploads import UploadStore
from mechshare.services.jobs import Completion, Progress, write_nothing

_BATCH_SIZE = 100


class DeleteExpiredUploads:
    """The job `delete_expired_uploads`: deletes each expired upload, first its bytes, then its row.

    Nobody can continue an upload that has expired.
    """

    def __init__(self, database: Database, store: UploadStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        await progress("uploads", 0.0)
        while True:
            async with self._database.read() as tx:
                expired = await tx.uploads.find_expired(self._clock.now(), limit=_BATCH_SIZE)
            for upload in expired:
                await self._store.abort(upload.id)
                async with self._database.begin() as tx:
                    await tx.uploads.delete(upload.id)
            if len(expired) < _BATCH_SIZE:
                return write_nothing

    async def on_failed(self, tx: UnitOfWork, job: Job, failure: ProcessingFailure) -> None:
        """Does nothing: the next job deletes the rest."""

    async def on_retry(self, tx: UnitOfWork, job: Job) -> None:
        """Does nothing: the next attempt continues with the rest."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that has the lease continues with the rest."""
