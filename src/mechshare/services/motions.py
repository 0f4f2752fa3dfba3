"""Finds mechanisms that move alike, and analyses motions again."""

from collections.abc import Sequence
from datetime import datetime

from mechshare.domain.blobs import BlobFacts, BlobRole, OwnerKind, blob_key
from mechshare.domain.derived_files import AnalysedClip
from mechshare.domain.events import MechanismChanged
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import ANALYSIS
from mechshare.domain.motion_events import AnalysisRequested
from mechshare.domain.policy import Viewer, can_edit
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.access import find_visible, shared_access
from mechshare.services.support.cleanup import delete_orphaned_derivatives
from mechshare.services.support.motions import save_motion
from mechshare.services.support.similar_motions import SimilarMechanism, SimilarMotions
from mechshare.services.transactions import Transaction, Transactions

MAX_SIMILAR = 50
_ALIKE = 0.85
"""Motions that are at least as alike are perhaps of one mechanism."""
_MAX_ALIKE = 3


class MotionService:
    """Finds what moves as a mechanism does."""

    def __init__(self, transactions: Transactions, similar: SimilarMotions) -> None:
        self._transactions = transactions
        self._similar = similar

    async def find_similar(
        self, viewer: Viewer, mechanism_id: MechanismId, limit: int
    ) -> tuple[SimilarMechanism, ...]:
        """Returns the `limit` listed mechanisms that move most alike, nearest first. Raises MechanismNotFound.

        What `viewer` may not find in lists is absent, and leaves no gap.
        """
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await self._similar.find_of(tx, viewer, mechanism_id, limit)

    async def find_alike(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[SimilarMechanism, ...]:
        """Returns up to three listed mechanisms that move so alike that those who may edit this one want to know it;
        nothing to others. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            if not can_edit(viewer, mechanism, await shared_access(tx, viewer, mechanism)):
                return ()
            similar = await self._similar.find_of(tx, viewer, mechanism_id, _MAX_ALIKE)
        return tuple(one for one in similar if one.likeness >= _ALIKE)


class AnalysisService:
    """Enqueues analyses, for operators."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def count_unanalysed(self) -> int:
        """Counts the clips that the present analysis has not seen."""
        async with self._transactions.read() as tx:
            return await tx.motions.count_unanalysed(ANALYSIS)

    async def find_unanalysed(
        self, after: MechanismId | None, *, limit: int, all: bool = False
    ) -> Sequence[MechanismId]:
        """Returns the next clips to analyse after `after`: those that the present analysis has not seen, or `all`."""
        async with self._transactions.read() as tx:
            analysis = ANALYSIS + 1 if all else ANALYSIS
            return await tx.motions.find_unanalysed(analysis, after, limit=limit)

    async def count_waiting(self) -> int:
        """Counts the analyses that are enqueued or under way."""
        async with self._transactions.read() as tx:
            backlog = await tx.jobs.find_backlog()
        return sum(found.count for (kind, _), found in backlog.items() if kind is JobKind.ANALYSE_MOTION)

    async def request(self, ids: Sequence[MechanismId]) -> None:
        """Enqueues the analysis of each of these clips, unless one is enqueued already."""
        async with self._transactions.begin() as tx:
            for id in ids:
                await tx.record(AnalysisRequested(id))


class AnalyseMotion:
    """The job `analyse_motion`: analyses the video of a clip again, and makes the preview that repeats it."""

    def __init__(self, transactions: Transactions, derivation: Derivation, clock: Clock) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        id = MechanismId(job.subject)
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(id)
            key = blob_key(mechanism.file_url) if mechanism and mechanism.file_url else None
            video = await tx.blob_references.find_by_key(key) if key else None
        if video is None or video.role is not BlobRole.VIDEO or video.size is None or video.sha256 is None:
            return write_nothing
        facts = BlobFacts(key=video.key, size=video.size, sha256=video.sha256)
        found = await self._derivation.analyse(id, facts, job.fence, progress)
        if found is None:
            return write_nothing
        analysed = found

        async def publish(tx: Transaction) -> None:
            current = await tx.mechanisms.find_by_id(id)
            if current is not None:
                await self._show(tx, current, analysed, job)

        return publish

    async def _show(self, tx: Transaction, current: Mechanism, found: AnalysedClip, job: Job) -> None:
        now = self._clock.now()
        await _replace(tx, current, BlobRole.PHASES, found.phases, now)
        if found.preview is not None:
            await _replace(tx, current, BlobRole.PREVIEW, found.preview, now)
        await save_motion(tx, current.id, found.motion, now)
        analysed = current.analysed(found, now)
        await tx.mechanisms.save(analysed)
        await tx.record(MechanismChanged(current, analysed, job.request_id))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: the clip keeps the motion that it has."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Enqueues the deletion of a preview that was stored after its mechanism was deleted."""
        await delete_orphaned_derivatives(self._transactions, job)


async def _replace(
    tx: Transaction, mechanism: Mechanism, role: BlobRole, file: BlobFacts | None, now: datetime
) -> None:
    """Stores the reference of `file` in place of those of this role, whose files garbage collection deletes."""
    await tx.blob_references.delete_of(OwnerKind.MECHANISM, [mechanism.id], roles=(role,))
    if file is not None:
        await tx.blob_references.add([stored_reference(mechanism, role, file, now)])
