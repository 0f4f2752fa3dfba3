"""The rings of a doorbell that have reached this process."""

import asyncio
from datetime import timedelta

from mechshare.domain.jobs import Listener


class Rings:
    """Remembers for each listener whether there was a ring since its last wait."""

    def __init__(self) -> None:
        self._events = {listener: asyncio.Event() for listener in Listener}

    def add(self) -> None:
        for event in self._events.values():
            event.set()

    async def wait(self, timeout: timedelta, listener: Listener) -> None:
        """Returns when there was a ring, which it forgets; or after `timeout`."""
        event = self._events[listener]
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await event.wait()
        except TimeoutError:
            return
        event.clear()
