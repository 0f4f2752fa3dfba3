"""The lease and the progress of a job that is worked on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import HEARTBEAT, Job


class LostLease(Exception):
    """The worker no longer owns the job; the result of its attempt is discarded."""


_RECORD_DELAY = 0.25
"""Seconds after which a new step is recorded: steps that follow each other quickly cost one transaction."""


class Renewal(NamedTuple):
    """Of the lease of a job that runs under `fence`, with its progress: 0..1 within `step`."""

    id: JobId
    fence: int
    step: str
    progress: float


class JobProgress:
    """Renews the lease of a job while it is worked on, and records its progress. The work waits for neither.

    `renew` returns whether the lease was held.
    """

    def __init__(self, job: Job, renew: Callable[[Renewal], Awaitable[bool]]) -> None:
        self._job = job
        self._write = renew
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
                # In Python 3.11, wait_for ignores a cancellation that comes together with the event.
                async with asyncio.timeout(HEARTBEAT.total_seconds()):
                    await self._has_new_step.wait()
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
            return await self._write(Renewal(self._job.id, self._job.fence, self._step, self._fraction))
        except Unavailable:
            return True
