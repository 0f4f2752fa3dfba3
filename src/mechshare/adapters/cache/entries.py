"""The cache entries of one process: the most recently used ones, up to a number of bytes."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from secrets import token_bytes
from zlib import crc32

from mechshare.adapters.cache.generations import SLOT_BYTES, SLOTS, LocalGenerations, SharedGenerations
from mechshare.adapters.metrics import CACHE_BYTES, CACHE_HITS

_OVERHEAD = 512
"""Bytes that an entry takes in addition to its body and its name (measured, rounded up)."""
_HITS = CACHE_HITS.labels("process")


@dataclass(slots=True)
class _Entry:
    body: bytes
    slot: int
    generation: bytes
    expires_at: float
    cost: int


class Entries:
    """Maps each tag to one of SLOTS generations; `invalidate` renews it.

    An entry is served while its slot has the generation that was read before the entry was loaded. Tags that share a
    slot are invalidated together.
    """

    def __init__(self, capacity: int, generations: LocalGenerations | SharedGenerations) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._generations = generations

    def find(self, tag: str, key: str) -> bytes | None:
        name = (tag, key)
        entry = self._entries.get(name)
        if entry is None:
            return None
        if self._generations.read(entry.slot) != entry.generation or time.monotonic() >= entry.expires_at:
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        _HITS.inc()
        return entry.body

    def generation(self, tag: str) -> bytes:
        """Returns the tag's generation; read it before a load and pass it to `store` afterwards.

        Returns a generation that no tag has if no entry may be served at present.
        """
        return self._generations.read(_slot_of(tag)) or token_bytes(SLOT_BYTES)

    def store(self, tag: str, key: str, body: bytes, generation: bytes, expires_at: float) -> None:
        """Stores an entry until `expires_at` (`time.monotonic()`), unless the tag no longer has this `generation`."""
        name, slot = (tag, key), _slot_of(tag)
        cost = len(body) + len(tag) + len(key) + _OVERHEAD
        if self._generations.read(slot) != generation or cost > self._capacity:
            return
        self._drop(name)
        self._entries[name] = _Entry(body, slot, generation, expires_at, cost)
        self._size += cost
        while self._size > self._capacity:
            self._drop(next(iter(self._entries)))
        CACHE_BYTES.set(self._size)

    def invalidate(self, *tags: str) -> None:
        self._generations.renew(map(_slot_of, tags))

    def invalidate_all(self) -> None:
        """Invalidates every tag, including those without entries."""
        self._generations.renew_all()
        self._entries.clear()
        self._size = 0
        CACHE_BYTES.set(0)

    def close(self) -> None:
        """Releases the generations; no entry is served any more."""
        self._generations.close()

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.cost


def _slot_of(tag: str) -> int:
    return crc32(tag.encode()) % SLOTS
