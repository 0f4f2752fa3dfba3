"""Finds mechanisms that move alike, and analyses motions again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mechshare.domain.blobs import BlobFacts, BlobRole, OwnerKind, blob_key
from mechshare.domain.events import AnalysisRequested, MechanismChanged
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Job
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import ANALYSIS, Neighbour
from mechshare.domain.policy import Viewer, can_edit
from mechshare.ports.clock import Clock
from mechshare.ports.motion_index import MotionIndex
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.access import find_visible, listed_among, shared_access
from mechshare.services.support.cleanup import delete_orphaned_derivatives
from mechshare.services.support.motions import save_motion
from mechshare.services.transactions import Transaction, Transactions

MAX_SIMILAR = 50
_LEAST_LIKENESS = 0.3
"""Motions that are less alike have nothing in common."""
_ALIKE = 0.85
"""Motions that are at least as alike are perhaps of one mechanism."""
_MAX_ALIKE = 3
_BATCH_SIZE = 500
_LATEST = timedelta(seconds=30)
"""How long a transaction may have been open that wrote a motion: those of this time are read again."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarMechanism:
    """`likeness` is 0..1; `is_duplicate` says that the clips seem to be one, perhaps altered."""

    item: AuthoredMechanism
    likeness: float
    is_duplicate: bool


class MotionService:
    """Keeps `index` up to date with the database, and reads it."""

    def __init__(self, transactions: Transactions, index: MotionIndex) -> None:
        self._transactions = transactions
        self._index = index
        self._read_until = _BEGINNING

    async def find_similar(
        self, viewer: Viewer, mechanism_id: MechanismId, limit: int
    ) -> tuple[SimilarMechanism, ...]:
        """Returns the `limit` listed mechanisms that move most alike, nearest first. Raises MechanismNotFound.

        What `viewer` may not find in lists is absent, and leaves no gap.
        """
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await self._similar(tx, viewer, mechanism_id, limit)

    async def find_alike(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[SimilarMechanism, ...]:
        """Returns up to three listed mechanisms that move so alike that those who may edit this one want to know it;
        nothing to others. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            if not can_edit(viewer, mechanism, await shared_access(tx, viewer, mechanism)):
                return ()
            similar = await self._similar(tx, viewer, mechanism_id, _MAX_ALIKE)
        return tuple(one for one in similar if one.likeness >= _ALIKE)

    async def _similar(
        self, tx: UnitOfWork, viewer: Viewer, mechanism_id: MechanismId, limit: int
    ) -> tuple[SimilarMechanism, ...]:
        own = await tx.motions.find(mechanism_id)
        if own is None or own.vector is None or own.analysis != ANALYSIS:
            return ()
        await self._catch_up(tx)
        return await self._nearest(tx, viewer, own.vector, mechanism_id, limit)

    async def _nearest(
        self, tx: UnitOfWork, viewer: Viewer, vector: bytes, own_id: MechanismId, limit: int
    ) -> tuple[SimilarMechanism, ...]:
        found: list[SimilarMechanism] = []
        offset, batch = 0, 4 * limit
        while len(found) < limit:
            neighbours = await self._index.nearest(vector, offset=offset, limit=batch)
            alike = [one for one in neighbours if one.likeness >= _LEAST_LIKENESS]
            found += await _listed(tx, viewer, [one for one in alike if one.mechanism_id != own_id])
            if len(alike) < batch:
                break
            offset, batch = offset + batch, 2 * batch
        return tuple(found[:limit])

    async def _catch_up(self, tx: UnitOfWork) -> None:
        """Reads into the index what was analysed since the last time."""
        since, after = self._read_until - _LATEST, None
        while motions := await tx.motions.find_since(since, after, limit=_BATCH_SIZE):
            current = [
                (one.mechanism_id, one.vector if one.analysis == ANALYSIS else None) for one in motions
            ]
            await self._index.put(current)
            since, after = motions[-1].analysed_at, motions[-1].mechanism_id
            self._read_until = max(self._read_until, since)


async def _listed(tx: UnitOfWork, viewer: Viewer, neighbours: Sequence[Neighbour]) -> list[SimilarMechanism]:
    """Returns those of the neighbours that lists show to `viewer`, in their order."""
    items: dict[MechanismId, AuthoredMechanism] = {}
    ids = [one.mechanism_id for one in neighbours]
    for start in range(0, len(ids), _BATCH_SIZE):
        found = await tx.mechanisms.find_authored(ids[start : start + _BATCH_SIZE])
        items |= {item.mechanism.id: item for item in await listed_among(tx, viewer, found)}
    return [
        SimilarMechanism(item=items[one.mechanism_id], likeness=one.likeness, is_duplicate=one.is_duplicate)
        for one in neighbours
        if one.mechanism_id in items
    ]


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
        found, preview = await self._derivation.analyse(id, facts, job.fence, progress)
        if found is None:
            return write_nothing
        analysis = found

        async def publish(tx: Transaction) -> None:
            current, now = await tx.mechanisms.find_by_id(id), self._clock.now()
            if current is None:
                return
            if preview is not None:
                await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=(BlobRole.PREVIEW,))
                await tx.blob_references.add([stored_reference(current, BlobRole.PREVIEW, preview, now)])
            await save_motion(tx, id, analysis, now)
            analysed = current.analysed(analysis.motion, preview, now)
            await tx.mechanisms.save(analysed)
            await tx.record(MechanismChanged(current, analysed, job.request_id))

        return publish

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: the clip keeps the motion that it has."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Enqueues the deletion of a preview that was stored after its mechanism was deleted."""
        await delete_orphaned_derivatives(self._transactions, job)
