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
    """Each tag has a slot in a table of SLOTS generation numbers; `invalidate` writes a random number there.

    An entry is served while its slot holds the generation that was there before the entry was loaded. Tags that share a
    slot are invalidated together.
    """

    def __init__(self, capacity: int, generation_table: memoryview | None = None) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._generation_table = (generation_table or memoryview(bytearray(SLOTS * SLOT_BYTES))).cast("Q")

    def find(self, tag: str, key: str) -> bytes | None:
        name = (tag, key)
        entry = self._entries.get(name)
        if entry is None:
            return None
        if self._generation_table[entry.slot] != entry.generation or time.monotonic() >= entry.ends:
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        return entry.body

    def generation(self, tag: str) -> int:
        """The tag's generation, to be read before a load and passed to `store` after it."""
        return int(self._generation_table[_slot_of(tag)])

    def store(self, tag: str, key: str, body: bytes, generation: int, ends: float) -> None:
        """Until `ends`, by `time.monotonic()`. Not at all if the tag was invalidated since it had this `generation`."""
        name, slot = (tag, key), _slot_of(tag)
        cost = len(body) + len(tag) + len(key) + _OVERHEAD
        if self._generation_table[slot] != generation or cost > self._capacity:
            return
        self._drop(name)
        self._entries[name] = _Entry(body, slot, generation, ends, cost)
        self._size += cost
        while self._size > self._capacity:
            self._drop(next(iter(self._entries)))

    def invalidate(self, *tags: str) -> None:
        for tag in tags:
            # Random, not counted: processes that were forked would count alike, and a number that stands there again
            # would make old entries good again.
            self._generation_table[_slot_of(tag)] = int.from_bytes(os.urandom(SLOT_BYTES), "little")

    def invalidate_all(self) -> None:
        """Every tag, those without entries included."""
        fresh = memoryview(os.urandom(SLOTS * SLOT_BYTES)).cast("Q")
        self._generation_table[:] = fresh
        self._entries.clear()
        self._size = 0

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.cost


def _slot_of(tag: str) -> int:
    return crc32(tag.encode()) % SLOTS
