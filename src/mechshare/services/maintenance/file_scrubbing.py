"""Reads every stored file regularly and compares it with its digest."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.blobs import BlobReference, Damage
from mechshare.domain.jobs import Job
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.file_verification import VERIFIED_EVERY, FileVerification

MAX_BYTES_PER_SECOND = 20 * 1024 * 1024
SLICE = 10.0
"""Seconds after which a job begins no further file, so that clips don't wait for it. The next job continues."""
DAMAGED_VERIFIED_EVERY = timedelta(hours=1)
"""How soon a file that was restored from a backup is served again."""
_BATCH_SIZE = 20
_PAGE_SIZE = 200
_MAX_DAMAGED = 1000


async def find_due_files(tx: UnitOfWork, now: datetime, *, limit: int) -> list[BlobReference]:
    """Returns up to `limit` files to verify now: damaged ones verified an hour ago, then those verified a month ago."""
    damaged = await tx.blob_verifications.find_damaged(limit=_MAX_DAMAGED)
    due = [one for one in damaged if abs(now - (one.verified_at or now)) > DAMAGED_VERIFIED_EVERY]
    known = {one.key for one in damaged}
    old = await tx.blob_verifications.find_unverified(now - VERIFIED_EVERY, limit=limit)
    return [*due, *(one for one in old if one.key not in known)][:limit]


class VerifyFiles:
    """The job `verify_files`: reads files that were not verified for a month, at most MAX_BYTES_PER_SECOND.

    Each result is stored separately, so that the next job continues where this one stopped.
    """

    def __init__(self, database: Database, verification: FileVerification, clock: Clock) -> None:
        self._database = database
        self._verification = verification
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        await progress("verify", 0.0)
        loop = asyncio.get_running_loop()
        ends = loop.time() + SLICE
        while batch := await self._find_batch():
            for reference in batch:
                if loop.time() > ends:
                    return write_nothing
                await self._verification.verify(reference, max_rate=MAX_BYTES_PER_SECOND)
        return write_nothing

    async def _find_batch(self) -> list[BlobReference]:
        async with self._database.read() as tx:
            return await find_due_files(tx, self._clock.now(), limit=_BATCH_SIZE)

    async def on_failed(self, tx: UnitOfWork, job: Job, failure: ProcessingFailure) -> None:
        """Does nothing: the next job continues with the remaining files."""

    async def on_retry(self, tx: UnitOfWork, job: Job) -> None:
        """Does nothing: each attempt continues with the remaining files."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that has the lease continues with the remaining files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFile:
    """A damaged file and its mechanism."""

    key: str
    mechanism_id: str
    role: str
    damage: Damage


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The result of reading all files: their number, and the damaged ones in key order."""

    files: int
    size: int
    damaged: tuple[DamagedFile, ...]


class VerificationService:
    """Verifies all files at once, for operators."""

    def __init__(self, database: Database, verification: FileVerification) -> None:
        self._database = database
        self._verification = verification

    async def verify_all(self, progress: Callable[[int], None]) -> Verified:
        """Reads every stored file; calls `progress` with the number of files since the last call. Raises Unavailable.

        Memory use is independent of the number of files, except for the damaged ones.
        """
        files, size, damaged, last = 0, 0, list[DamagedFile](), ""
        while True:
            async with self._database.read() as tx:
                page = await tx.blob_references.find_page(after=last, limit=_PAGE_SIZE)
            for reference in page:
                if damage := await self._verification.verify(reference):
                    damaged.append(_described(reference, damage))
                size += reference.size or 0
                progress(1)
            files += len(page)
            if len(page) < _PAGE_SIZE:
                return Verified(files=files, size=size, damaged=tuple(damaged))
            last = page[-1].key

    async def find_damaged(self) -> tuple[DamagedFile, ...]:
        """Returns the first thousand files whose damage is known."""
        async with self._database.read() as tx:
            found = await tx.blob_verifications.find_damaged(limit=_MAX_DAMAGED)
        return tuple(_described(one, one.damage) for one in found if one.damage is not None)


def _described(reference: BlobReference, damage: Damage) -> DamagedFile:
    return DamagedFile(
        key=reference.key, mechanism_id=reference.owner_id, role=reference.role.value, damage=damage
    )
