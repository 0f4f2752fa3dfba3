"""Searches by the motion of a clip that is analysed and not kept."""

from dataclasses import dataclass

from mechshare.domain.errors import NothingToRetry
from mechshare.domain.ids import MotionSearchId
from mechshare.domain.jobs import Job
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import ANALYSIS
from mechshare.domain.motion_events import MotionSearchBegun, MotionSearchEnded
from mechshare.domain.motion_searches import MotionSearch, new_motion_search, require_own, search_of
from mechshare.domain.originals import OriginalFile
from mechshare.domain.policy import Viewer
from mechshare.domain.processing import ProcessingState
from mechshare.domain.storage_quotas import Reservation
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.support.similar_motions import SimilarMechanism, SimilarMotions
from mechshare.services.transactions import Transaction, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundByMotion:
    """A search, and the mechanisms that its user may find now, most alike first; none until the clip is analysed."""

    search: MotionSearch
    similar: tuple[SimilarMechanism, ...]


class MotionSearchService:
    """Searches by uploaded clips. The search of another user looks like one that does not exist."""

    def __init__(self, transactions: Transactions, similar: SimilarMotions, clock: Clock) -> None:
        self._transactions = transactions
        self._similar = similar
        self._clock = clock

    async def begin(
        self,
        actor: Actor,
        clip: OriginalFile,
        request_id: str = "",
        idempotency: IdempotentRequest[MotionSearch] | None = None,
    ) -> MotionSearch:
        """Enqueues the analysis of `clip`, which `UploadService.receive` stored.

        The clip counts against the quota of the actor until it is deleted. Raises NotAClip, UserNotFound,
        and as `run_once` does.
        """
        search = new_motion_search(actor, clip, self._clock.now())
        reserved = Reservation(key=clip.key, user_id=actor.id, size=clip.size, expires_at=search.expires_at)
        async with self._transactions.begin() as tx:

            async def begin() -> MotionSearch:
                await tx.storage_quotas.reserve(reserved)
                await tx.motion_searches.add(search)
                await tx.record(MotionSearchBegun(clip.key, actor.id, request_id))
                return search

            return await run_once(tx, self._clock, idempotency, begin)

    async def find(self, actor: Actor, search_id: MotionSearchId, limit: int) -> FoundByMotion:
        """Returns the search with the `limit` mechanisms that move most alike. Raises MotionSearchNotFound."""
        async with self._transactions.read() as tx:
            search = require_own(actor, await tx.motion_searches.find_by_id(search_id), self._clock.now())
            is_comparable = search.motion is not None and search.motion.analysis == ANALYSIS
            similar: tuple[SimilarMechanism, ...] = ()
            if search.vector is not None and is_comparable:
                similar = await self._similar.find_near(tx, actor, search.vector, limit)
        return FoundByMotion(search=search, similar=similar)

    async def find_near(self, viewer: Viewer, vector: bytes, limit: int) -> tuple[SimilarMechanism, ...]:
        """Returns the `limit` listed mechanisms that move most like the motion with this vector."""
        async with self._transactions.read() as tx:
            return await self._similar.find_near(tx, viewer, vector, limit)


class SearchByMotion:
    """The job `search_by_motion`: analyses the clip of a search, whose key is the subject, and has it deleted."""

    def __init__(self, transactions: Transactions, derivation: Derivation, clock: Clock) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            search = await tx.motion_searches.find_by_id(search_of(job.subject))
        found = None
        if search is not None and search.clip is not None:
            found = await self._derivation.analyse_clip(search.clip, progress)

        async def publish(tx: Transaction) -> None:
            current = await _without_clip(tx, job)
            if current is not None and current.processing.state is ProcessingState.PENDING:
                await tx.motion_searches.save(current.analysed(found))

        return publish

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        current = await _without_clip(tx, job)
        if current is not None:
            await tx.motion_searches.save(current.failed(failure))

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Raises NothingToRetry: the clip is deleted."""
        raise NothingToRetry(state=ProcessingState.FAILED.value)

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that owns the job now analyses the clip."""


async def _without_clip(tx: Transaction, job: Job) -> MotionSearch | None:
    """Returns the search, None if it is deleted. Its clip is deleted after the commit, in either case."""
    await tx.storage_quotas.release([job.subject])
    await tx.record(MotionSearchEnded(job.subject, job.request_id))
    return await tx.motion_searches.find_by_id(search_of(job.subject))
