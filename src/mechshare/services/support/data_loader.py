"""Doing together what is asked for at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MAX_BATCH_SIZE = 100


class DataLoader(Generic[K, V]):
    """What is asked for one by one is worked on at most MAX_BATCH_SIZE together.

    While `most` batches are under way, the next waits and grows: the busier the process, the less each costs; and
    what is asked for alone is worked on at once. `work` gives for each key, in their order, its value, or the
    exception that is raised for it; what it raises itself is raised for all of them.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Sequence[V | Exception]]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V:
        """The value of `key`, which may be asked for by many; whoever stops waiting does not stop the work."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._set_off)
        future: asyncio.Future[V] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        return await future

    def _set_off(self) -> None:
        # A batch that came back may have taken along what this was called for.
        if not self._waiting or len(self._under_way) == self._most:
            return
        batch = dict(islice(self._waiting.items(), MAX_BATCH_SIZE))
        for key in batch:
            del self._waiting[key]
        task = asyncio.create_task(self._do(batch))
        self._under_way.add(task)
        task.add_done_callback(self._came_back)

    def _came_back(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._set_off()

    async def _do(self, batch: dict[K, list["asyncio.Future[V]"]]) -> None:
        try:
            values = await self._work(list(batch))
        except Exception as problem:
            values = [problem] * len(batch)
        for futures, value in zip(batch.values(), values, strict=True):
            for future in futures:
                _resolve(future, value)


def _resolve(future: "asyncio.Future[V]", value: V | Exception) -> None:
    """Unless who waited for it has gone."""
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
