"""Makes derivatives of uploaded files, and reports the progress."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.derived_files import DerivedFiles
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.events import (
    MechanismChanged,
    ProcessingChanged,
    ProcessingRequested,
    ThumbnailChosen,
)
from mechshare.domain.failed_originals import deletion_due_at, processing_retried
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import LEASE, Attempt, Job, JobKind, file_number
from mechshare.domain.main_files import file_to_process, main_file_of, replacement_failed
from mechshare.domain.mechanism_files import derived_references, original_references
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.originals import OriginalFile, OriginalMetadata
from mechshare.domain.pages import Page
from mechshare.domain.policy import Viewer, can_edit
from mechshare.domain.processing import PENDING, Processing, ProcessingState
from mechshare.domain.revisions import restored_with_file
from mechshare.domain.thumbnails import has_chosen_thumbnail, own_thumbnail_references, with_chosen_moment
from mechshare.domain.users import Actor
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, history, write_nothing
from mechshare.services.support.access import find_editable, find_visible, shared_access
from mechshare.services.support.changes import add_revision
from mechshare.services.support.cleanup import delete_orphaned_derivatives
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.former_files import prune_files, release_files, replace_files
from mechshare.services.support.job_progress import LostLease
from mechshare.services.support.motions import save_motion
from mechshare.services.transactions import Transaction, Transactions

_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStatus:
    """How far a file is processed. `attempt` counts from 1 and is 0 before; `progress` is 0..1 within `step`.

    Callers who may edit the mechanism get `history`, the attempts of the newest job, oldest first, and
    `deletion_due_at`, when a file is due to be deleted whose processing failed; None if it never is.
    """

    processing: Processing
    attempt: int
    step: str
    progress: float
    history: tuple[Attempt, ...] = ()
    deletion_due_at: datetime | None = None


def processing_status(
    mechanism: Mechanism,
    job: Job | None,
    history: tuple[Attempt, ...] = (),
    deletion_due_at: datetime | None = None,
) -> ProcessingStatus:
    """Builds the status from a mechanism and its newest job."""
    is_over = job is None or mechanism.processing.state is ProcessingState.READY
    return ProcessingStatus(
        processing=mechanism.processing,
        attempt=job.attempt if job else 0,
        step="" if job is None or is_over else job.step,
        progress=1.0 if job is None or is_over else job.progress,
        history=history,
        deletion_due_at=deletion_due_at,
    )


class ProcessingService:
    """Shows the processing of a mechanism and retries it."""

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        clip_limit: ClipLimit,
        failed_retention: timedelta | None,
    ) -> None:
        """`failed_retention` is how long files stay after their processing failed; None for ever."""
        self._transactions = transactions
        self._clock = clock
        self._clip_limit = clip_limit
        self._failed_retention = failed_retention

    def deletion_due_at(self, mechanism: Mechanism) -> datetime | None:
        """Returns when the file of a failed mechanism is due to be deleted; None if it never is."""
        return deletion_due_at(mechanism, self._failed_retention)

    async def get_status(self, viewer: Viewer, mechanism_id: MechanismId) -> ProcessingStatus:
        """Returns the status. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            latest = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, mechanism_id)
            job = latest[0] if latest else None
            is_editor = can_edit(viewer, mechanism, await shared_access(tx, viewer, mechanism))
            attempts = await history(tx, job) if job and is_editor else ()
        due_at = self.deletion_due_at(mechanism) if is_editor else None
        return processing_status(mechanism, job, attempts, due_at)

    async def retry(self, actor: Actor, mechanism_id: MechanismId) -> ProcessingStatus:
        """Enqueues the processing of a failed file again.

        Raises MechanismNotFound, UnauthorizedOperation, NothingToRetry, OriginalDeleted, TooManyUnfinishedClips.
        """
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            mechanism = await find_editable(tx, actor, mechanism_id)
            pending = processing_retried(mechanism, now)
            await self._clip_limit.require_room(tx, mechanism.user_id)
            saved = await tx.mechanisms.save(pending)
            await tx.record(ProcessingRequested(saved.mechanism))
        return ProcessingStatus(processing=PENDING, attempt=0, step="", progress=0.0)


class ProcessMechanismFile:
    """The job `process_mechanism_file`: makes the derivatives and measures the facts of one file."""

    def __init__(
        self, transactions: Transactions, derivation: Derivation, clock: Clock, *, former_files: int
    ) -> None:
        """`former_files` is how many former main files of a mechanism stay."""
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock
        self._former_files = former_files

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        sent = file_to_process(mechanism) if mechanism else None
        if mechanism is None or sent is None:
            return write_nothing
        number = _file_number(mechanism, job)
        # The file need not wait until this is committed.
        marking = asyncio.create_task(self._mark_started(job))
        try:
            original = await self._offerable(mechanism.id, sent, number, progress)
            derived = await self._derivation.derive(mechanism.id, original, number, progress)
        finally:
            await marking

        async def publish(tx: Transaction) -> None:
            current, now = await tx.mechanisms.find_by_id(mechanism.id), self._clock.now()
            if current is not None:
                restored = await self._replaced(tx, current, now)
                await _store_files(tx, current.with_original(original), derived.files, now, job)
                await tx.pages.replace(current.id, _pages(current.id, derived.pages))
                await save_motion(tx, current.id, derived.motion, now)
                motion = derived.motion.motion if derived.motion else None
                processed = restored.with_original(original).processed(
                    derived.facts, derived.files, now, motion
                )
                await _save_processed(tx, current, with_chosen_moment(processed), job)
                if current.replacement is not None:
                    await prune_files(tx, current.id, self._former_files, job.request_id)

        return publish

    async def _replaced(self, tx: Transaction, current: Mechanism, now: datetime) -> Mechanism:
        """Returns the mechanism with the texts that its waiting file brings back, if another one takes the place of its
        main file. Stores that as the file of a former revision."""
        if current.replacement is None:
            return current
        former = await tx.revisions.find_former(current.id)
        file = main_file_of(current, await tx.pages.find_picture_keys(current.id))
        await add_revision(tx, current, current.replacement.sent_by, now, file)
        return restored_with_file(current, former)

    async def _offerable(
        self, id: MechanismId, original: OriginalFile, number: int, progress: Progress
    ) -> OriginalFile:
        """Returns the original, without its metadata if its owner wants that."""
        if original.metadata is not OriginalMetadata.TO_BE_REMOVED:
            return original
        return await self._derivation.remove_metadata(id, original, number, progress)

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        current, now = await tx.mechanisms.find_by_id(MechanismId(job.subject)), self._clock.now()
        if current is None:
            return
        if current.replacement is None:
            await _save(tx, current, current.processing_failed(failure, now), job)
            return
        await release_files(tx, current.id, job.request_id, refused=current.replacement.file.key)
        await _save(tx, current, replacement_failed(current, failure, now), job)

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        current = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        if current is None:
            raise MechanismNotFound()
        saved = await tx.mechanisms.save(processing_retried(current, self._clock.now()))
        await tx.record(ProcessingChanged(saved.mechanism))

    async def on_lost(self, job: Job) -> None:
        """Enqueues the deletion of derivatives that were stored after their mechanism was deleted."""
        await delete_orphaned_derivatives(self._transactions, job)

    async def _mark_started(self, job: Job) -> None:
        """Marks the mechanism as being processed, if it still exists.

        Raises LostLease, so that a late worker never overwrites a finished state.
        """
        async with self._transactions.begin() as tx:
            found = await tx.mechanisms.find_by_id(MechanismId(job.subject))
            if not await tx.ledger.renew(job.id, job.fence, LEASE, "start", 0.0):
                raise LostLease()
            if found is not None and found.processing.state is not ProcessingState.PROCESSING:
                saved = await tx.mechanisms.save(found.processing_started(self._clock.now()))
                await tx.record(ProcessingChanged(saved.mechanism))


def _pages(id: MechanismId, pages: Sequence[tuple[str, BlobFacts | None]]) -> list[Page]:
    return [
        Page(mechanism_id=id, number=number, text=text, picture_key=picture.key if picture else None)
        for number, (text, picture) in enumerate(pages, 1)
    ]


def _file_number(mechanism: Mechanism, job: Job) -> int:
    """Returns the number in the keys of the files that the job makes: one that no former file of the mechanism has."""
    return file_number(mechanism.version, job.fence) if mechanism.replacement else job.fence


async def _store_files(
    tx: Transaction, mechanism: Mechanism, files: DerivedFiles, now: datetime, job: Job
) -> None:
    references = (
        *original_references(mechanism),
        *own_thumbnail_references(mechanism, now),
        *derived_references(mechanism, files, now),
    )
    await replace_files(tx, mechanism.id, references, job.request_id)


async def _save_processed(tx: Transaction, before: Mechanism, after: Mechanism, job: Job) -> None:
    await _save(tx, before, after, job)
    if has_chosen_thumbnail(after):
        await tx.record(ThumbnailChosen(after, job.request_id))


async def _save(tx: Transaction, before: Mechanism, after: Mechanism, job: Job) -> None:
    await tx.mechanisms.save(after)
    await tx.record(MechanismChanged(before, after, job.request_id))


class DeleteBlobs:
    """The job `delete_blobs`: deletes the blob named by the subject, or all under it if it ends with `/`.

    Blobs that have a reference stay.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def run(self, job: Job, progress: Progress) -> Completion:
        keys = [job.subject]
        if job.subject.endswith("/"):
            keys = [key async for key in self._blobs.list(job.subject)]
        for start in range(0, len(keys), _BATCH_SIZE):
            batch = keys[start : start + _BATCH_SIZE]
            async with self._database.read() as tx:
                referenced = await tx.blob_references.find_referenced(batch)
            for key in batch:
                if key not in referenced:
                    await self._blobs.delete(key)
        return write_nothing

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: no other data depends on it, and the failed job tells the operator which files are left."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that owns the job now deletes the rest."""
