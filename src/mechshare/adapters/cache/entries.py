"""The cache entries of one process: the most recently used ones, up to a number of bytes."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from secrets import token_bytes
from typing import NamedTuple
from zlib import crc32

from mechshare.adapters.cache.generations import (
    SLOT_BYTES,
    SLOTS,
    LocalGenerations,
    SharedGenerations,
    are_refreshed,
)
from mechshare.adapters.metrics import CACHE_BYTES, CACHE_HITS
from mechshare.ports.cache import STALENESS

_OVERHEAD = 704
"""Bytes that an entry takes in addition to its body and its name (measured, rounded up)."""
_MAX_OUTDATED_SECONDS = STALENESS.total_seconds()
_HITS = CACHE_HITS.labels("process")


class Generation(NamedTuple):
    """What a tag's slots contained at the time `read_at` (`time.monotonic()`), before a load."""

    numbers: tuple[bytes, ...]
    read_at: float

    def may_be_served(self, numbers: tuple[bytes, ...], now: float) -> bool:
        """Whether the result of the load may be served at the time `now`, when the slots contain `numbers`: the tag was
        at most refreshed since, and the result is not older than STALENESS."""
        return are_refreshed(self.numbers, numbers) and now < self.read_at + _MAX_OUTDATED_SECONDS


@dataclass(slots=True)
class _Entry:
    body: bytes
    slots: tuple[int, ...]
    generation: Generation
    expires_at: float
    cost: int
    served_in: int = -1
    """The period of the generations (`period`) in which the entry was found to be current."""


class Entries:
    """Maps each tag to one of SLOTS generations; `invalidate` renews it, and `refresh` renews its second half.

    An entry is served while its slot has the generation that was read before the entry was loaded, and for STALENESS
    after that reading while only second halves differ. An entry of a tag that is part of another has two slots. Tags
    that share a slot are invalidated together.
    """

    def __init__(self, capacity: int, generations: LocalGenerations | SharedGenerations) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._generations = generations
        self._hits = 0

    def find(self, tag: str, key: str, *, fresh: bool = False) -> bytes | None:
        """Returns the entry if it may be served; with `fresh`, only if its tag was not refreshed since its load."""
        name = (tag, key)
        entry = self._entries.get(name)
        if entry is None:
            return None
        period = self._generations.period()
        if entry.served_in != period or fresh:
            if not self._may_be_served(name, entry, fresh):
                return None
            entry.served_in = period
            self._write_hits()
        self._hits += 1
        return entry.body

    def _may_be_served(self, name: tuple[str, str], entry: _Entry, fresh: bool) -> bool:
        """Drops the entry if it may not be served any more."""
        now, numbers = time.monotonic(), self._numbers(entry.slots)
        is_same = numbers == entry.generation.numbers
        if now >= entry.expires_at or not (is_same or entry.generation.may_be_served(numbers, now)):
            self._drop(name)
            return False
        if fresh and not is_same:
            return False
        self._entries.move_to_end(name)
        return True

    def _write_hits(self) -> None:
        """Writes the number of hits until now: each write takes as long as several hits."""
        _HITS.inc(self._hits)
        self._hits = 0

    def generation(self, tag: str) -> Generation:
        """Returns the tag's generation; read it before a load and pass it to `store` afterwards.

        Returns a generation that no tag has if no entry may be served at present.
        """
        read_at, slots = time.monotonic(), _slots_of(tag)
        return Generation(self._numbers(slots) or (token_bytes(SLOT_BYTES),) * len(slots), read_at)

    def store(self, tag: str, key: str, body: bytes, generation: Generation, expires_at: float) -> None:
        """Stores an entry until `expires_at` (`time.monotonic()`), unless the tag was invalidated since `generation`,
        or a load that began later has stored one."""
        name, slots = (tag, key), _slots_of(tag)
        cost = len(body) + len(tag) + len(key) + _OVERHEAD
        numbers, stored = self._numbers(slots), self._entries.get(name)
        if not are_refreshed(generation.numbers, numbers) or cost > self._capacity:
            return
        if stored and stored.generation.read_at > generation.read_at and stored.generation.numbers == numbers:
            return
        self._drop(name)
        self._entries[name] = _Entry(body, slots, generation, expires_at, cost)
        self._size += cost
        while self._size > self._capacity:
            self._drop(next(iter(self._entries)))
        CACHE_BYTES.set(self._size)

    def invalidate(self, *tags: str) -> None:
        self._generations.renew(_slots_of(tag)[0] for tag in tags)

    def refresh(self, *tags: str) -> None:
        self._generations.refresh(_slots_of(tag)[0] for tag in tags)

    def invalidate_all(self) -> None:
        """Invalidates every tag, including those without entries."""
        self._generations.renew_all()
        self._entries.clear()
        self._size = 0
        CACHE_BYTES.set(0)

    def close(self) -> None:
        """Releases the generations; no entry is served any more."""
        self._generations.close()

    def _numbers(self, slots: tuple[int, ...]) -> tuple[bytes, ...]:
        """Returns the generations of these slots; () if no entry may be served."""
        found = tuple([number for slot in slots if (number := self._generations.read(slot)) is not None])
        return found if len(found) == len(slots) else ()

    def _drop(self, name: tuple[str, str]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.cost


def whole_of(tag: str) -> str:
    """Returns the tag that `tag` is a part of, or `tag` itself."""
    return tag.partition("/")[0]


def _slots_of(tag: str) -> tuple[int, ...]:
    """Returns the tag's own slot and, if it is part of another tag, the slot of that."""
    whole = whole_of(tag)
    return (_slot_of(tag),) if whole == tag else (_slot_of(tag), _slot_of(whole))


def _slot_of(tag: str) -> int:
    return crc32(tag.encode()) % SLOTS
