"""Loads that are under way, which whoever wants the same joins."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_Load = asyncio.Task[Sequence[bytes]]


class SingleFlight(Generic[K]):
    """One loader for each key at a time."""

    def __init__(self) -> None:
        self._under_way: dict[K, tuple[_Load, int]] = {}

    async def load(
        self, keys: Sequence[K], load: Callable[[Sequence[int]], Awaitable[Sequence[bytes]]]
    ) -> list[bytes]:
        """What belongs to each of `keys`, which are distinct. `load` is told the places of those that nobody loads.

        If it raises, so does this, for all who wait.
        """
        free = [place for place, key in enumerate(keys) if key not in self._under_way]
        if free:
            task = asyncio.ensure_future(_awaited(load(free)))
            mine = [keys[place] for place in free]
            self._under_way.update((key, (task, number)) for number, key in enumerate(mine))
            task.add_done_callback(lambda done: self._finish(mine, done))
        places = [self._under_way[key] for key in keys]
        for task in dict.fromkeys(task for task, _ in places):
            await asyncio.shield(task)  # whoever stops waiting must not stop the others
        return [task.result()[number] for task, number in places]

    async def close(self) -> None:
        tasks = {task for task, _ in self._under_way.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finish(self, keys: Sequence[K], task: _Load) -> None:
        for key in keys:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; nobody else has to


async def _awaited(loading: Awaitable[Sequence[bytes]]) -> Sequence[bytes]:
    return await loading
