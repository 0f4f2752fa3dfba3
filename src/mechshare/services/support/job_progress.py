"""The lease and the progress of a job that is worked on."""

import asyncio
from contextlib import suppress

from mechshare.domain.errors import Unavailable
from mechshare.domain.jobs import HEARTBEAT, LEASE, Job
from mechshare.services.transactions import Transactions


class LostLease(Exception):
    """The worker no longer owns the job; the result of its attempt is discarded."""


_RECORD_DELAY = 0.25
"""Seconds after which a new step is recorded: steps that follow each other quickly cost one transaction."""


class JobProgress:
    """Renews the lease of a job while it is worked on, and records its progress. The work waits for neither."""

    def __init__(self, transactions: Transactions, job: Job) -> None:
        self._transactions = transactions
        self._job = job
        self._step = ""
        self._fraction = 0.0
        self._has_new_step = asyncio.Event()

    async def report(self, step: str, fraction: float) -> None:
        if step != self._step:
            self._has_new_step.set()
        self._step, self._fraction = step, fraction

    async def beat(self) -> None:
        """Renews the lease at each heartbeat, and _RECORD_DELAY after a new step; returns when the lease is lost."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_new_step.wait(), HEARTBEAT.total_seconds())
                await asyncio.sleep(_RECORD_DELAY)
            if not await self.renew():
                return

    async def renew(self) -> bool:
        """Renews the lease and records the progress; returns False if the lease is lost.

        Returns True if the database is unavailable: no other worker can claim the job meanwhile. A lease that expired
        during the outage is found at the next heartbeat, or when the outcome is written.
        """
        self._has_new_step.clear()
        try:
            async with self._transactions.begin() as tx:
                return await tx.ledger.renew(self._job.id, self._job.fence, LEASE, self._step, self._fraction)
        except Unavailable:
            return True
