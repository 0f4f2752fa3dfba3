"""The rings of a doorbell that have reached this process."""

import asyncio
from collections import Counter
from datetime import timedelta

from mechshare.domain.jobs import Listener


class Rings:
    """Remembers for each listener whether there was a ring since its last wait."""

    def __init__(self) -> None:
        self._events = {listener: asyncio.Event() for listener in Listener}
        self._waiting = Counter[Listener]()

    def add(self, *listeners: Listener) -> None:
        """Adds a ring for these listeners, without any for all."""
        for listener in listeners or self._events:
            self._events[listener].set()

    def is_awaited(self, listener: Listener) -> bool:
        """Whether such a listener waits for a ring."""
        return self._waiting[listener] > 0

    async def wait(self, timeout: timedelta, listener: Listener) -> None:
        """Returns when there was a ring, which it forgets; or after `timeout`."""
        event = self._events[listener]
        self._waiting[listener] += 1
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._waiting[listener] -= 1
        event.clear()
