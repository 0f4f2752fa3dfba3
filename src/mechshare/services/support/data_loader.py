"""Batches concurrent calls."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MAX_BATCH_SIZE = 100


class DataLoader(Generic[K, V]):
    """Collects the keys of concurrent `load` calls into batches of at most `max_size`.

    At most `max_batches` run at a time. Meanwhile the next one grows: the busier the process, the lower the cost per
    key. A single key is loaded without delay. `work` returns for each key, in order, its value or the exception to
    raise; an exception that `work` raises is raised for the whole batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[K]], Awaitable[Sequence[V | Exception]]],
        max_batches: int,
        max_size: int = MAX_BATCH_SIZE,
    ) -> None:
        self._work = work
        self._max_batches = max_batches
        self._max_size = max_size
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V:
        """Returns the value of `key`; concurrent calls share it. Cancelling a call does not cancel the batch."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._start_batch)
        future: asyncio.Future[V] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        return await future

    def _start_batch(self) -> None:
        # An earlier batch may already have taken the keys for which this was scheduled.
        if not self._waiting or len(self._running) == self._max_batches:
            return
        batch = dict(islice(self._waiting.items(), self._max_size))
        for key in batch:
            del self._waiting[key]
        task = asyncio.create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._on_batch_done)

    def _on_batch_done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._start_batch()

    async def _run(self, batch: dict[K, list["asyncio.Future[V]"]]) -> None:
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
