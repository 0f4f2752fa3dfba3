"""A doorbell for one event loop."""

from datetime import timedelta

from mechshare.adapters.wake_up import Rings
from mechshare.domain.jobs import Listener


class MemoryDoorbell:
    def __init__(self) -> None:
        self._rings = Rings()

    async def ring(self) -> None:
        self._rings.add()

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        await self._rings.wait(timeout, listener)

    async def check(self) -> str:
        return "in this process's memory"

    async def close(self) -> None:
        """Does nothing: there are no resources to release."""
