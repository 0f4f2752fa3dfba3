"""One poll of the database for all watchers of a process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

from mechshare.domain.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")


class SharedPoll(Generic[K, V]):
    """Finds the values of all watched keys together while any key is watched, after each `pause`.

    During an outage of the database the last `values` remain valid.
    """

    def __init__(
        self, find: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], pause: Callable[[], Awaitable[None]]
    ) -> None:
        self.values: Mapping[K, V] = {}
        self._find = find
        self._pause = pause
        self._watchers: Counter[K] = Counter()
        self._polling: asyncio.Task[None] | None = None
        self._refreshed = asyncio.Event()

    @asynccontextmanager
    async def watching(self, key: K) -> AsyncIterator[None]:
        """Includes the key in the poll while the context is open."""
        self._watchers[key] += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._watchers[key] -= 1
            if not self._watchers[key]:
                del self._watchers[key]

    async def wait(self) -> None:
        """Returns after the next poll, also if the database is unavailable. Raises the error that ended polling, if
        any."""
        await self._refreshed.wait()
        if self._polling is not None and self._polling.done():
            self._polling.result()

    async def _poll(self) -> None:
        try:
            await self._pause()
            while self._watchers:
                with suppress(Unavailable):  # the last values remain valid until the database is back
                    self.values = await self._find(tuple(self._watchers))
                self._wake()
                await self._pause()
        finally:
            self.values = {}
            self._wake()

    def _wake(self) -> None:
        """Wakes all waiting watchers."""
        self._refreshed.set()
        self._refreshed = asyncio.Event()
