"""Loads in progress, which concurrent callers share."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_Load = asyncio.Task[Sequence[bytes]]


class SingleFlight(Generic[K]):
    """Runs one load for each key at a time."""

    def __init__(self) -> None:
        self._running: dict[K, tuple[_Load, int]] = {}
        """The load of each key, and the place of its result in that of the load."""

    async def load(
        self, keys: Sequence[K], load: Callable[[Sequence[int]], Coroutine[Any, Any, Sequence[bytes]]]
    ) -> list[bytes]:
        """Returns the result for each of `keys`, which must be distinct; `load` gets the indexes of the keys that no
        other caller is loading.

        Every waiting caller gets the exception that `load` raises.
        """
        own = [index for index, key in enumerate(keys) if key not in self._running]
        if own:
            task = asyncio.create_task(load(own))
            own_keys = [keys[index] for index in own]
            self._running.update((key, (task, place)) for place, key in enumerate(own_keys))
            task.add_done_callback(partial(self._finish, own_keys))
        results = [self._running[key] for key in keys]
        for task in dict.fromkeys(task for task, _ in results):
            await asyncio.shield(task)  # cancelling one caller must not cancel the others' load
        return [task.result()[place] for task, place in results]

    async def close(self) -> None:
        tasks = {task for task, _ in self._running.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finish(self, keys: Sequence[K], task: _Load) -> None:
        for key in keys:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it: the callers get it
