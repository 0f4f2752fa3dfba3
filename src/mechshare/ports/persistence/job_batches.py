"""The jobs of one kind that workers run together."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind


class JobBatches(Protocol):
    """Claims and ends many jobs of the ledger at about the cost of one."""

    async def claim(
        self, kind: JobKind, lease: timedelta, *, limit: int, due_for: timedelta = timedelta(0)
    ) -> tuple[Job, ...]:
        """Claims, as `JobLedger.claim` does, up to `limit` jobs of `kind` that have been due for `due_for`; returns
        them in the order in which they became due."""

    async def finish(self, leases: Sequence[tuple[JobId, int]]) -> frozenset[JobId]:
        """Ends as DONE each job that is running under its fence; returns these jobs."""
