"""The rings of a doorbell that have reached this process."""

import asyncio
from datetime import timedelta

from mechshare.ports.doorbell import Listener


class Rings:
    """Remembers for each listener whether there was a ring since its last wait."""

    def __init__(self) -> None:
        self._heard = {listener: asyncio.Event() for listener in Listener}

    def add(self) -> None:
        for heard in self._heard.values():
            heard.set()

    async def wait(self, timeout: timedelta, listener: Listener) -> None:
        """Returns when there was a ring, which it forgets; or after `timeout`."""
        heard = self._heard[listener]
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await heard.wait()
        except TimeoutError:
            return
        heard.clear()
