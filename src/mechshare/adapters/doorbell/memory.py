"""A doorbell for one event loop."""

import asyncio
from datetime import timedelta


class MemoryDoorbell:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout: timedelta) -> None:
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()

    async def check(self) -> str:
        return "in this process's memory"

    async def close(self) -> None:
        """Does nothing: there are no resources to release."""
