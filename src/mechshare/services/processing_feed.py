"""Follows the processing of mechanisms for all watchers of a process with one shared poll."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mechshare.domain.errors import MechanismNotFound, Unavailable
from mechshare.domain.failed_originals import deletion_due_at
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Attempt, Job, JobKind, Listener
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.policy import Viewer, can_edit, require_visible
from mechshare.domain.shares import Access
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.processing import ProcessingStatus, processing_status
from mechshare.services.support.access import shared_access
from mechshare.services.support.shared_poll import SharedPoll
from mechshare.services.transactions import Transactions

POLL_INTERVAL = 0.5
"""Seconds for which a watching process waits for the doorbell before it polls the database."""
_REST = 0.02
"""Seconds between two polls even if jobs are added all the time."""
_BATCH_SIZE = 500
_LOAD_CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A mechanism and its newest job as of one poll; `ended` are the attempts that ended before."""

    mechanism: Mechanism
    job: Job | None
    ended: tuple[Attempt, ...]
    for_editors: ProcessingStatus
    for_others: ProcessingStatus


class ProcessingFeed:
    """Provides the results of `ProcessingService.get_status` to many watchers.

    Polls while a mechanism is watched, and soon after jobs are added, since the end of a processing adds one. During an
    outage of the database the last results remain valid; no watcher gets an error.
    """

    def __init__(
        self, transactions: Transactions, doorbell: Doorbell, failed_retention: timedelta | None
    ) -> None:
        """`failed_retention` is how long files stay after their processing failed; None for ever."""
        self._transactions = transactions
        self._doorbell = doorbell
        self._failed_retention = failed_retention
        self._poll = SharedPoll[MechanismId, _Snapshot | None](self._find_snapshots, self._pause)
        self.watching = self._poll.watching
        self.wait = self._poll.wait
        self._loading = asyncio.Semaphore(_LOAD_CONCURRENCY)

    async def first_status(
        self, viewer: Viewer, mechanism_id: MechanismId, load: Callable[[], Awaitable[ProcessingStatus]]
    ) -> ProcessingStatus:
        """Returns the status of the last poll if the mechanism was in it, else the result of `load`. Raises what
        `status` and `load` raise.

        The number of concurrent loads is bounded: when thousands arrive at once, most of them find a polled status.
        """
        async with self._loading:
            return await self.status(viewer, mechanism_id) or await load()

    async def status(self, viewer: Viewer, mechanism_id: MechanismId) -> ProcessingStatus | None:
        """Returns the status of the last poll; None if the mechanism was not in it, or if the shares that `viewer`
        needs cannot be read now. Raises MechanismNotFound."""
        if mechanism_id not in self._poll.values:
            return None
        snapshot = self._poll.values[mechanism_id]
        if snapshot is None:
            raise MechanismNotFound()
        shared: Access | None = None
        if not can_edit(viewer, snapshot.mechanism):
            try:
                async with self._transactions.read() as tx:
                    shared = await shared_access(tx, viewer, snapshot.mechanism)
            except Unavailable:
                return None
        mechanism = require_visible(viewer, snapshot.mechanism, shared)
        return snapshot.for_editors if can_edit(viewer, mechanism, shared) else snapshot.for_others

    async def _pause(self) -> None:
        await asyncio.sleep(_REST)
        await self._doorbell.wait(timedelta(seconds=POLL_INTERVAL), Listener.FEEDS)

    async def _find_snapshots(self, ids: Sequence[MechanismId]) -> dict[MechanismId, _Snapshot | None]:
        snapshots: dict[MechanismId, _Snapshot | None] = dict.fromkeys(ids)
        async with self._transactions.read() as tx:
            for start in range(0, len(ids), _BATCH_SIZE):
                batch = ids[start : start + _BATCH_SIZE]
                jobs = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, *batch)
                by_subject = {job.subject: job for job in jobs}
                for item in await tx.mechanisms.find_authored(batch):
                    mechanism = item.mechanism
                    snapshots[mechanism.id] = await self._snapshot(
                        tx, mechanism, by_subject.get(mechanism.id)
                    )
        return snapshots

    async def _snapshot(self, tx: UnitOfWork, mechanism: Mechanism, job: Job | None) -> _Snapshot:
        before = self._poll.values.get(mechanism.id)
        if before is not None and (before.mechanism, before.job) == (mechanism, job):
            return before
        is_same_attempt = before is not None and _attempt_of(before.job) == _attempt_of(job)
        if before is not None and is_same_attempt:
            ended = before.ended
        else:
            ended = await tx.jobs.find_attempts(job.id) if job else ()
        attempts = (*ended, job.last_attempt) if job and job.last_attempt else ended
        return _Snapshot(
            mechanism,
            job,
            ended,
            for_editors=processing_status(
                mechanism, job, attempts, deletion_due_at(mechanism, self._failed_retention)
            ),
            for_others=processing_status(mechanism, job),
        )


def _attempt_of(job: Job | None) -> tuple[str, int, str] | None:
    """Returns a value that changes whenever an attempt begins or ends."""
    return (job.id, job.attempt, job.state.value) if job else None
