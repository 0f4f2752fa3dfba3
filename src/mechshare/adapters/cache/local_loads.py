"""Loads whose results only this process caches."""

import time
from collections.abc import Sequence
from datetime import timedelta

from mechshare.adapters.cache.entries import Entries, Generation
from mechshare.adapters.cache.single_flight import SingleFlight
from mechshare.adapters.metrics import CACHE_LOADS
from mechshare.ports.cache import CacheKey, Load, Uncacheable


class LocalLoads:
    """Stores results in `entries`; the owner of `entries` invalidates their tags."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._loads: SingleFlight[tuple[CacheKey, tuple[bytes, ...]]] = SingleFlight()

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

        async def load_absent(places: Sequence[int]) -> Sequence[bytes]:
            # The lifetime begins before the load: its result may be that old.
            expires_at = time.monotonic() + lifetime.total_seconds()
            CACHE_LOADS.inc(len(places))
            loaded = await load([absent[place][0] for place in places])
            for place, body in zip(places, loaded, strict=True):
                name, generation = absent[place]
                if not isinstance(body, Uncacheable):
                    self._entries.store(*name, body, generation, expires_at)
            return loaded

        # A refresh since a load began makes its result outdated: do not join it.
        keys = [(name, generation.numbers) for name, generation in absent]
        loaded = iter(await self._loads.load(keys, load_absent))
        return [next(loaded) if body is None else body for body in found]

    async def close(self) -> None:
        await self._loads.close()
