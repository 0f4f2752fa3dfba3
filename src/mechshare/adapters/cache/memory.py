"""Answers kept in this process, and dropped in time with the other processes of this machine."""

import asyncio
import mmap
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

_SLOTS = 65_536
_SLOT_BYTES = 8
_BOARD_BYTES = _SLOTS * _SLOT_BYTES
_ENTRY_OVERHEAD = 448
"""Bytes that an entry takes besides its body and the text of its name (measured, rounded up)."""


@dataclass(slots=True)
class _Entry:
    body: bytes
    slot: int
    generation: int
    ends: float
    cost: int


class MemoryCache:
    """Keeps the most recently used entries, up to `capacity` bytes.

    Each group has a slot on a board; forgetting the group writes a random number there. An entry is good while its
    slot holds what it held before the entry was loaded. Where the board is a file, mapped by every process of the
    machine, forgetting in one is forgetting in all, at the cost of a memory access. Groups that share a slot are
    forgotten together.
    """

    def __init__(self, capacity: int = 64 * 1024 * 1024, board: Path | None = None) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._loads: dict[tuple[str, str], tuple[int, asyncio.Task[bytes]]] = {}
        self._board = memoryview(bytearray(_BOARD_BYTES) if board is None else _mapped(board)).cast("Q")

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        name = (group, key)
        entry = self._entries.get(name)
        if entry is not None:
            if self._board[entry.slot] == entry.generation and time.monotonic() < entry.ends:
                self._entries.move_to_end(name)
                return entry.body
            self._drop(name)
        return await self._load(name, load, lifetime)

    async def forget(self, *groups: str) -> None:
        for group in groups:
            # Random, not counted: processes that were forked would count alike, and a number that stands there again
            # would make old entries good again.
            self._board[_slot_of(group)] = int.from_bytes(os.urandom(_SLOT_BYTES), "little")

    async def check(self) -> str:
        return f"in this process's memory, at most {self._capacity // 2**20} MiB"

    async def close(self) -> None:
        for _, task in self._loads.values():
            task.cancel()

    async def _load(
        self, name: tuple[str, str], load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        slot = _slot_of(name[0])
        generation = self._board[slot]
        under_way = self._loads.get(name)
        if under_way is None or under_way[0] != generation:
            task = asyncio.create_task(self._keep(name, slot, generation, load, lifetime))
            under_way = self._loads[name] = (generation, task)
            task.add_done_callback(lambda done: self._ended(name, done))
        # Shielded: whoever stops waiting must not stop the others.
        return await asyncio.shield(under_way[1])

    async def _keep(
        self,
        name: tuple[str, str],
        slot: int,
        generation: int,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
    ) -> bytes:
        # Counted from before the load: what it gives may be as old as that.
        ends = time.monotonic() + lifetime.total_seconds()
        body = await load()
        cost = len(body) + len(name[0]) + len(name[1]) + _ENTRY_OVERHEAD
        if self._board[slot] == generation and cost <= self._capacity:
            self._drop(name)
            self._entries[name] = _Entry(body, slot, generation, ends, cost)
            self._size += cost
            while self._size > self._capacity:
                self._drop(next(iter(self._entries)))
        return body

    def _ended(self, name: tuple[str, str], task: "asyncio.Task[bytes]") -> None:
        if self._loads.get(name, (0, None))[1] is task:
            del self._loads[name]
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; nobody else has to

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.cost


def _slot_of(group: str) -> int:
    digest = blake2b(group.encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big")


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
