"""What a process itself holds of a cache: the most recently used entries, up to so many bytes."""

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from zlib import crc32

SLOTS = 65_536
SLOT_BYTES = 8
_OVERHEAD = 512
"""Bytes that an entry takes besides its body and the text of its name (measured, rounded up)."""


@dataclass(slots=True)
class _Entry:
    body: bytes
    slot: int
    generation: int
    ends: float
    cost: int


class Entries:
    """Each group has a slot on a board of SLOTS numbers; forgetting the group writes a random number there. An entry is
    good while its slot holds what it held before the entry was loaded. Groups that share a slot are forgotten together.
    """

    def __init__(self, capacity: int, board: memoryview | None = None) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._board = (board or memoryview(bytearray(SLOTS * SLOT_BYTES))).cast("Q")

    def find(self, group: str, key: str) -> bytes | None:
        name = (group, key)
        entry = self._entries.get(name)
        if entry is None:
            return None
        if self._board[entry.slot] != entry.generation or time.monotonic() >= entry.ends:
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        return entry.body

    def generation(self, group: str) -> int:
        """To be told to `keep`; asked for before what is to be kept is loaded."""
        return int(self._board[_slot_of(group)])

    def keep(self, group: str, key: str, body: bytes, generation: int, ends: float) -> None:
        """Until `ends`, by `time.monotonic()`. Not at all if the group was forgotten since it had this `generation`."""
        name, slot = (group, key), _slot_of(group)
        cost = len(body) + len(group) + len(key) + _OVERHEAD
        if self._board[slot] != generation or cost > self._capacity:
            return
        self._drop(name)
        self._entries[name] = _Entry(body, slot, generation, ends, cost)
        self._size += cost
        while self._size > self._capacity:
            self._drop(next(iter(self._entries)))

    def forget(self, *groups: str) -> None:
        for group in groups:
            # Random, not counted: processes that were forked would count alike, and a number that stands there again
            # would make old entries good again.
            self._board[_slot_of(group)] = int.from_bytes(os.urandom(SLOT_BYTES), "little")

    def forget_all(self) -> None:
        """Every group, those without entries included."""
        fresh = memoryview(os.urandom(SLOTS * SLOT_BYTES)).cast("Q")
        self._board[:] = fresh
        self._entries.clear()
        self._size = 0

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.cost


def _slot_of(group: str) -> int:
    return crc32(group.encode()) % SLOTS
