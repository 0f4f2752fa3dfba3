"""The lease and the progress of a job that is worked on."""

import asyncio

from mechshare.domain.errors import Unavailable
from mechshare.domain.jobs import HEARTBEAT, LEASE, Job
from mechshare.services.transactions import Transactions


class LostLease(Exception):
    """The worker no longer owns the job; the result of its attempt is discarded."""


class JobProgress:
    """Renews the lease of a job while it is worked on, and records its progress."""

    def __init__(self, transactions: Transactions, job: Job) -> None:
        self._transactions = transactions
        self._job = job
        self._step = ""
        self._fraction = 0.0

    async def report(self, step: str, fraction: float) -> None:
        is_new_step = step != self._step
        self._step, self._fraction = step, fraction
        if is_new_step and not await self._renew():
            raise LostLease()

    async def beat(self) -> None:
        """Renews the lease at each heartbeat; returns when the lease is lost."""
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds())
            if not await self._renew():
                return

    async def _renew(self) -> bool:
        """Renews the lease; returns False if it is lost.

        Returns True if the database is unavailable: no other worker can claim the job meanwhile. A lease that expired
        during the outage is found at the next heartbeat, or when the outcome is written.
        """
        try:
            async with self._transactions.begin() as tx:
                return await tx.ledger.renew(self._job.id, self._job.fence, LEASE, self._step, self._fraction)
        except Unavailable:
            return True
