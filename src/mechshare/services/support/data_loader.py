"""Batches concurrent calls."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MAX_BATCH_SIZE = 100


class DataLoader(Generic[K, V]):
    """Collects the keys of concurrent `load` calls into batches of at most MAX_BATCH_SIZE.

    At most `most` batches run at a time. Meanwhile the next one grows: the busier the process, the lower the cost per
    key. A single key is loaded without delay. `work` returns for each key, in order, its value or the exception to
    raise; an exception that `work` raises is raised for the whole batch.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Sequence[V | Exception]]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V:
        """Returns the value of `key`; concurrent calls share it. Cancelling a call does not cancel the batch."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._set_off)
        future: asyncio.Future[V] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        return await future

    def _set_off(self) -> None:
        # An earlier batch may already have taken the keys for which this was scheduled.
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
    """No-op if the caller was cancelled."""
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
