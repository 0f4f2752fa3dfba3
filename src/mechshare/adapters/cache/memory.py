"""Answers kept in this process, and dropped in time with the other processes of this machine."""

import mmap
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from mechshare.adapters.cache.entries import SLOT_BYTES, SLOTS, Entries
from mechshare.adapters.cache.local_loads import LocalLoads
from mechshare.ports.cache import Load, Name

_BOARD_BYTES = SLOTS * SLOT_BYTES


class MemoryCache:
    """Keeps the most recently used entries, up to `capacity` bytes.

    Where the board of generations is a file, mapped by every process of the machine, forgetting in one is forgetting
    in all, at the cost of a memory access.
    """

    def __init__(self, capacity: int = 64 * 1024 * 1024, board: Path | None = None) -> None:
        self._capacity = capacity
        self._entries = Entries(capacity, memoryview(_mapped(board)) if board else None)
        self._loads = LocalLoads(self._entries)

    def held(self, group: str, key: str) -> bytes | None:
        return self._entries.find(group, key)

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        found = self._entries.find(group, key)
        if found is not None:
            return found

        async def load_it(_: Sequence[Name]) -> Sequence[bytes]:
            return (await load(),)

        (loaded,) = await self.get_or_load_many([(group, key)], load_it, lifetime)
        return loaded

    async def get_or_load_many(
        self, names: Sequence[Name], load: Load, lifetime: timedelta
    ) -> Sequence[bytes]:
        return await self._loads.get_or_load(names, load, lifetime)

    async def forget(self, *groups: str) -> None:
        self._entries.forget(*groups)

    async def check(self) -> str:
        return f"in this process's memory, at most {self._capacity // 2**20} MiB"

    async def close(self) -> None:
        await self._loads.close()


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
