"""A doorbell for one event loop."""

import asyncio
from datetime import timedelta

from mechshare.adapters.wake_up import wait_for_ring


class MemoryDoorbell:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout: timedelta) -> None:
        await wait_for_ring(self._event, timeout)

    async def check(self) -> str:
        return "in this process's memory"

    async def close(self) -> None:
        """Does nothing: there are no resources to release."""
