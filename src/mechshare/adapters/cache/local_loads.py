"""Loads whose results only this process caches."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from mechshare.adapters.cache.entries import Entries, Generation
from mechshare.adapters.cache.single_flight import SingleFlight
from mechshare.adapters.metrics import CACHE_LOADS
from mechshare.ports.cache import STALENESS, CacheKey, Load, ShortLived, Uncacheable


class LocalLoads:
    """Stores results in `entries`; the owner of `entries` invalidates their tags."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._loads: SingleFlight[tuple[CacheKey, tuple[bytes, ...]]] = SingleFlight()
        self._in_progress: dict[CacheKey, Generation] = {}

    async def get_or_load(
        self, names: Sequence[CacheKey], load: Load, lifetime: timedelta, *, fresh: bool = False
    ) -> Sequence[bytes]:
        """Implements `Cache.get_or_load_many`."""
        found = [self._entries.find(*name, fresh=fresh) for name in names]
        absent: list[tuple[CacheKey, Generation]] = [
            (name, self._entries.generation(name[0]))
            for name, body in zip(names, found, strict=True)
            if body is None
        ]

        async def load_absent(indexes: Sequence[int]) -> Sequence[bytes]:
            # The lifetime begins before the load: its result may be that old.
            begun = time.monotonic()
            CACHE_LOADS.inc(len(indexes))
            own = [absent[index] for index in indexes]
            with self._progress(own):
                loaded = await load([name for name, _ in own])
            for (name, generation), body in zip(own, loaded, strict=True):
                if not isinstance(body, Uncacheable):
                    self._entries.store(*name, body, generation, begun + seconds_to_live(body, lifetime))
            return loaded

        keys = [(name, self._shared(name, generation, fresh=fresh).numbers) for name, generation in absent]
        loaded = iter(await self._loads.load(keys, load_absent))
        return [next(loaded) if body is None else body for body in found]

    def _shared(self, name: CacheKey, generation: Generation, *, fresh: bool) -> Generation:
        """Returns the generation of the load in progress whose result the caller may get, or `generation` if there is
        none.

        The result is then as old as that of an outdated entry: frequent refreshes do not multiply loads that take long.
        """
        begun = self._in_progress.get(name)
        if begun is None or fresh or not begun.may_be_served(generation.numbers, generation.read_at):
            return generation
        return begun

    @contextmanager
    def _progress(self, begun: Sequence[tuple[CacheKey, Generation]]) -> Iterator[None]:
        self._in_progress.update(begun)
        try:
            yield
        finally:
            for name, generation in begun:
                if self._in_progress.get(name) is generation:
                    del self._in_progress[name]

    async def close(self) -> None:
        await self._loads.close()


def seconds_to_live(body: bytes, lifetime: timedelta) -> float:
    """Returns how long a process may serve the result of a load with this lifetime."""
    return (min(STALENESS, lifetime) if isinstance(body, ShortLived) else lifetime).total_seconds()
