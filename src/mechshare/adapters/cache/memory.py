"""A cache in this process, invalidated together with the caches of this machine's other processes."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from mechshare.adapters.cache.entries import Entries
from mechshare.adapters.cache.generations import LocalGenerations, SharedGenerations
from mechshare.adapters.cache.local_loads import LocalLoads
from mechshare.ports.cache import CacheKey, Load


class MemoryCache:
    """Stores the most recently used entries, up to `capacity` bytes.

    `generation_table` is a file that every process of the machine opens: an invalidation by one process takes effect
    in all of them, at the cost of reading 8 bytes. Deleting or replacing the file invalidates every entry. No
    entry is served for longer than `max_age`, if given, because invalidations by other machines do not reach this one.
    """

    def __init__(
        self,
        capacity: int = 64 * 1024 * 1024,
        generation_table: Path | None = None,
        max_age: timedelta | None = None,
    ) -> None:
        self._capacity = capacity
        self.max_age = max_age
        generations = SharedGenerations(generation_table) if generation_table else LocalGenerations()
        self._entries = Entries(capacity, generations)
        self._loads = LocalLoads(self._entries)

    def cached(self, tag: str, key: str, *, fresh: bool = False) -> bytes | None:
        return self._entries.find(tag, key, fresh=fresh)

    async def get_or_load(
        self,
        tag: str,
        key: str,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
        *,
        fresh: bool = False,
    ) -> bytes:
        found = self._entries.find(tag, key, fresh=fresh)
        if found is not None:
            return found

        async def load_it(_: Sequence[CacheKey]) -> Sequence[bytes]:
            return (await load(),)

        bounded = self._bounded(lifetime)
        (loaded,) = await self._loads.get_or_load([(tag, key)], load_it, bounded, fresh=fresh)
        return loaded

    async def get_or_load_many(
        self, keys: Sequence[CacheKey], load: Load, lifetime: timedelta, *, fresh: bool = False
    ) -> Sequence[bytes]:
        return await self._loads.get_or_load(keys, load, self._bounded(lifetime), fresh=fresh)

    async def invalidate(self, *tags: str) -> None:
        self._entries.invalidate(*tags)

    async def refresh(self, *tags: str) -> None:
        self._entries.refresh(*tags)

    async def check(self) -> str:
        size = f"in this process's memory, at most {self._capacity // 2**20} MiB"
        return size if self.max_age is None else f"{size} and {self.max_age.total_seconds():g} s old"

    async def close(self) -> None:
        await self._loads.close()
        self._entries.close()

    def _bounded(self, lifetime: timedelta) -> timedelta:
        return lifetime if self.max_age is None else min(lifetime, self.max_age)
