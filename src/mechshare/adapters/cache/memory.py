"""Answers kept in this process, and dropped in time with the other processes of this machine."""

import asyncio
import mmap
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from mechshare.adapters.cache.entries import SLOT_BYTES, SLOTS, Entries

_BOARD_BYTES = SLOTS * SLOT_BYTES


class MemoryCache:
    """Keeps the most recently used entries, up to `capacity` bytes.

    Where the board of generations is a file, mapped by every process of the machine, forgetting in one is forgetting
    in all, at the cost of a memory access.
    """

    def __init__(self, capacity: int = 64 * 1024 * 1024, board: Path | None = None) -> None:
        self._capacity = capacity
        self._entries = Entries(capacity, memoryview(_mapped(board)) if board else None)
        self._loads: dict[tuple[str, str], tuple[int, asyncio.Task[bytes]]] = {}

    def held(self, group: str, key: str) -> bytes | None:
        return self._entries.find(group, key)

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        found = self._entries.find(group, key)
        if found is not None:
            return found
        name, generation = (group, key), self._entries.generation(group)
        under_way = self._loads.get(name)
        if under_way is None or under_way[0] != generation:
            task = asyncio.create_task(self._load(group, key, generation, load, lifetime))
            under_way = self._loads[name] = (generation, task)
            task.add_done_callback(lambda done: self._ended(name, done))
        # Shielded: whoever stops waiting must not stop the others.
        return await asyncio.shield(under_way[1])

    async def forget(self, *groups: str) -> None:
        self._entries.forget(*groups)

    async def check(self) -> str:
        return f"in this process's memory, at most {self._capacity // 2**20} MiB"

    async def close(self) -> None:
        for _, task in self._loads.values():
            task.cancel()

    async def _load(
        self,
        group: str,
        key: str,
        generation: int,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
    ) -> bytes:
        # Counted from before the load: what it gives may be as old as that.
        ends = time.monotonic() + lifetime.total_seconds()
        body = await load()
        self._entries.keep(group, key, body, generation, ends)
        return body

    def _ended(self, name: tuple[str, str], task: "asyncio.Task[bytes]") -> None:
        if self._loads.get(name, (0, None))[1] is task:
            del self._loads[name]
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; nobody else has to


def _make_room(descriptor: int) -> None:
    """On the disk itself: to write to a page that it has no room for when it is full would kill the process."""
    if sys.platform != "darwin":
        os.posix_fallocate(descriptor, 0, _BOARD_BYTES)
    elif os.fstat(descriptor).st_size < _BOARD_BYTES:
        os.ftruncate(descriptor, _BOARD_BYTES)


def _mapped(path: Path) -> mmap.mmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _make_room(descriptor)
        return mmap.mmap(descriptor, _BOARD_BYTES)
    finally:
        os.close(descriptor)
