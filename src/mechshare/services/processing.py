"""From a clip as it was sent to one that anyone can watch."""

import asyncio
import errno
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from mechshare.domain.blobs import DERIVATIVES, BlobFacts, OwnerKind, derivative_key
from mechshare.domain.errors import MechanismNotFound, MediaNotFound, StorageFull
from mechshare.domain.events import (
    DerivativesOrphaned,
    MechanismChanged,
    ProcessingChanged,
    ProcessingRequested,
)
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import LEASE, Attempt, Job, JobKind
from mechshare.domain.mechanisms import (
    PENDING,
    DerivedFiles,
    Mechanism,
    OriginalFile,
    Processing,
    ProcessingState,
    derived_references,
)
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.policy import Viewer, can_edit, require_editor, require_visible
from mechshare.domain.users import Actor
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.media import Derivatives, MediaProcessor, MediaRejected
from mechshare.ports.persistence.database import Database
from mechshare.services.jobs import Completion, LostLease, Progress, history, nothing_to_write
from mechshare.services.transactions import Transaction, Transactions

_READ_BYTES = 256 * 1024
_DELETED_TOGETHER = 500
_NO_ROOM = 256 * 1024
"""Bytes. Where less is left than this, what fails is held to fail for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStatus:
    """How far a clip is. `attempt` counts from 1 once work began; `progress` is 0..1 within `step`.

    `history` holds the attempts of the newest job, oldest first, for those who may edit the mechanism.
    """

    processing: Processing
    attempt: int
    step: str
    progress: float
    history: tuple[Attempt, ...] = ()


class ProcessingService:
    """What people see of the processing of a mechanism, and asking for it again."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def get_status(self, viewer: Viewer, mechanism_id: MechanismId) -> ProcessingStatus:
        """Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = require_visible(viewer, await tx.mechanisms.find_by_id(mechanism_id))
            job = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, mechanism_id)
            attempts = await history(tx, job) if job and can_edit(viewer, mechanism) else ()
        is_over = job is None or mechanism.processing.state is ProcessingState.READY
        return ProcessingStatus(
            processing=mechanism.processing,
            attempt=job.attempt if job else 0,
            step="" if job is None or is_over else job.step,
            progress=1.0 if job is None or is_over else job.progress,
            history=attempts,
        )

    async def retry(self, actor: Actor, mechanism_id: MechanismId) -> ProcessingStatus:
        """Enqueues a failed clip once more. Raises MechanismNotFound, UnauthorizedOperation, NothingToRetry."""
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            mechanism = require_editor(actor, await tx.mechanisms.find_by_id(mechanism_id))
            saved = await tx.mechanisms.save(mechanism.processing_retried(now))
            await tx.record(ProcessingRequested(saved))
        return ProcessingStatus(processing=PENDING, attempt=0, step="", progress=0.0)


class ProcessMechanismFile:
    """The job `process_mechanism_file`: thumbnail, watchable video, preview and facts of one clip.

    `scratch` is a folder for files that are in the making.
    """

    def __init__(
        self,
        transactions: Transactions,
        blobs: BlobStore,
        media: MediaProcessor,
        clock: Clock,
        scratch: Path,
    ) -> None:
        self._transactions = transactions
        self._blobs = blobs
        self._media = media
        self._clock = clock
        self._scratch = scratch

    async def run(self, job: Job, progress: Progress) -> Completion:
        mechanism = await self._started(job)
        if mechanism is None or mechanism.original is None:
            return nothing_to_write
        with _room_in(self._scratch) as folder:
            await progress("fetch", 0.0)
            source = await self._fetched(mechanism.original, folder)
            made = await self.process_mechanism_file(mechanism, source, progress)
            await progress("store", 0.0)
            files = await self._stored(mechanism.id, job.fence, made)

        async def publish(tx: Transaction) -> None:
            current, now = await tx.mechanisms.find_by_id(mechanism.id), self._clock.now()
            if current is not None:
                await tx.blob_references.delete_of(OwnerKind.MECHANISM, [current.id], roles=DERIVATIVES)
                await tx.blob_references.add(derived_references(current.id, files, now))
                await _save(tx, current, current.processed(made.facts, files, now), job)

        return publish

    async def process_mechanism_file(
        self, mechanism: Mechanism, file_path: Path, progress: Progress
    ) -> Derivatives:
        """What `file_path`, the mechanism's original, gives. Raises MediaRejected."""
        original = _original_of(mechanism)
        into = file_path.parent / "made"
        await asyncio.to_thread(into.mkdir)
        made = await self._media.process(file_path, original.format, into, progress)
        return replace(made, facts=replace(made.facts, size=original.size, sha256=original.sha256))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        current = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        if current is not None:
            await _save(tx, current, current.processing_failed(failure, self._clock.now()), job)

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        current = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        if current is None:
            raise MechanismNotFound()
        saved = await tx.mechanisms.save(current.processing_retried(self._clock.now()))
        await tx.record(ProcessingChanged(saved))

    async def on_lost(self, job: Job) -> None:
        """Files that were stored after those of a deleted mechanism had been removed go, too."""
        mechanism_id = MechanismId(job.subject)
        async with self._transactions.begin() as tx:
            if await tx.mechanisms.find_by_id(mechanism_id) is None:
                await tx.record(DerivativesOrphaned(mechanism_id, job.request_id))

    async def _started(self, job: Job) -> Mechanism | None:
        """The mechanism, shown as being processed. Raises LostLease, so that no late worker undoes what is done."""
        mechanism_id = MechanismId(job.subject)
        async with self._transactions.begin() as tx:
            found = await tx.mechanisms.find_by_id(mechanism_id)
            if not await tx.ledger.renew(job.id, job.fence, LEASE, "start", 0.0):
                raise LostLease()
            if found is None or found.processing.state is ProcessingState.PROCESSING:
                return found
            saved = await tx.mechanisms.save(found.processing_started(self._clock.now()))
            await tx.record(ProcessingChanged(saved))
            return saved

    async def _fetched(self, original: OriginalFile, folder: Path) -> Path:
        """A copy of the original on this machine, checked against the digest that was acknowledged."""
        path = folder / f"source.{original.format.extension}"
        digest = sha256()
        try:
            with path.open("wb") as file:
                async for chunk in self._blobs.read(original.key):
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
        except MediaNotFound as lost:
            raise MediaRejected(ProcessingFailure(code=FailureCode.FILE_LOST), permanent=True) from lost
        if digest.hexdigest() != original.sha256:
            raise MediaRejected(ProcessingFailure(code=FailureCode.FILE_ALTERED), permanent=True)
        return path

    async def _stored(self, id: MechanismId, fence: int, made: Derivatives) -> DerivedFiles:
        return DerivedFiles(
            video=await self._store(id, fence, made.video),
            thumbnail=await self._store(id, fence, made.thumbnail),
            preview=await self._store(id, fence, made.preview),
        )

    async def _store(self, id: MechanismId, fence: int, path: Path) -> BlobFacts:
        digest = await asyncio.to_thread(_digest_of, path)
        key = derivative_key(id, fence, digest, path.suffix.removeprefix("."))
        with path.open("rb") as file:
            return await self._blobs.write(key, _chunks_of(file))


async def _save(tx: Transaction, before: Mechanism, after: Mechanism, job: Job) -> None:
    await tx.mechanisms.save(after)
    await tx.record(MechanismChanged(before, after, job.request_id))


@contextmanager
def _room_in(scratch: Path) -> Iterator[Path]:
    """A folder for one clip. Raises StorageFull instead of what goes wrong on a full disk: the clip is not at fault."""
    try:
        with tempfile.TemporaryDirectory(dir=scratch, prefix="clip-") as folder:
            try:
                yield Path(folder)
            except MediaRejected as problem:
                if shutil.disk_usage(folder).free < _NO_ROOM:
                    raise StorageFull() from problem
                raise
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull() from problem
        raise


class DeleteBlobs:
    """The job `delete_blobs`: removes the blob named by the subject, or all under it when it ends with `/`.

    What is referred to by now stays.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def run(self, job: Job, progress: Progress) -> Completion:
        keys = [job.subject]
        if job.subject.endswith("/"):
            keys = [key async for key in self._blobs.list(job.subject)]
        for start in range(0, len(keys), _DELETED_TOGETHER):
            batch = keys[start : start + _DELETED_TOGETHER]
            async with self._database.read() as tx:
                referenced = await tx.blob_references.find_referenced(batch)
            for key in batch:
                if key not in referenced:
                    await self._blobs.delete(key)
        return nothing_to_write

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Nothing else depends on it; the failed job tells the operator which files are left."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Nothing else depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Whoever has the job now removes what is left."""


def _original_of(mechanism: Mechanism) -> OriginalFile:
    if mechanism.original is None:
        raise ValueError(f"mechanism {mechanism.id} has no file of its own")
    return mechanism.original


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


async def _chunks_of(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _READ_BYTES):
        yield chunk
