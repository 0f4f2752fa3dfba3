"""Tells a reaper whether an expired lease is the worker's fault or the database's."""

from datetime import datetime, timedelta

from mechshare.domain.jobs import HEARTBEAT, LEASE, Job

_MAX_CLOCK_JUMP = timedelta(seconds=5)


class OutageWatch:
    """Remembers when the database was last away: unreachable, out of this process's sight, or with a clock that jumped.

    During an outage no worker can renew a lease, so an expired lease that was last renewed before the end of the outage
    says nothing about its worker.
    """

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None
        self._is_interrupted = False
        self._back_since: datetime | None = None

    def interrupt(self) -> None:
        """Notes that the database did not respond."""
        self._is_interrupted = True

    def observe(self, database_time: datetime, seconds: float) -> None:
        """Notes that the database responds. `seconds` are those of a clock that never jumps."""
        if self._is_interrupted or self._has_gap(database_time, seconds):
            self._back_since = database_time
        self._is_interrupted = False
        self._seen = (database_time, seconds)

    def explain(self, job: Job) -> bool:
        """Whether the job's expired lease was last renewed before the database came back."""
        if self._back_since is None or job.lease_until is None:
            return False
        return job.lease_until < self._back_since + LEASE

    def is_owner_returning(self, job: Job, database_time: datetime) -> bool:
        """Whether a worker that lives may still renew the expired lease: it has had no two heartbeats for it."""
        if self._back_since is None or not self.explain(job):
            return False
        return self._back_since <= database_time < self._back_since + 2 * HEARTBEAT

    def _has_gap(self, database_time: datetime, seconds: float) -> bool:
        if self._seen is None:
            return False
        seen_time, seen_seconds = self._seen
        passed = timedelta(seconds=seconds - seen_seconds)
        return passed > LEASE or abs(database_time - seen_time - passed) > _MAX_CLOCK_JUMP
