"""A cache in Redis for all processes of all hosts, with the most used entries in each process as well."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

import msgspec
from redis.exceptions import RedisError

from mechshare.adapters.cache.entries import Entries, Generation, whole_of
from mechshare.adapters.cache.generations import LocalGenerations
from mechshare.adapters.cache.invalidation_listener import InvalidationListener, message_of
from mechshare.adapters.cache.local_loads import LocalLoads, seconds_to_live
from mechshare.adapters.cache.single_flight import SingleFlight
from mechshare.adapters.metrics import CACHE_HITS, CACHE_LOADS
from mechshare.adapters.redis_client import TIMEOUT, RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.ports.cache import CacheKey, Load, ShortLived, Uncacheable

# Each tag is one hash, which has the entries of the tags that are part of it, too. Its field `*` holds the generation,
# a random token; every other field is an entry, prefixed with the time at which it expires (milliseconds, 13 digits).
# Invalidation deletes the hash. The result of a load is stored only if the generation is still the one read before the
# load; this also covers flushed and evicted tags.
_FIND_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local found = redis.call('HMGET', KEYS[1], ARGV[1], '*')
local entry, generation = found[1], found[2]
local left = entry and tonumber(string.sub(entry, 1, 13)) - now or 0
if left > 0 then
  return {math.ceil(left), string.sub(entry, 14)}
end
if not generation then
  generation = ARGV[2]
  redis.call('HSET', KEYS[1], '*', generation)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {0, generation}
"""
# Stores many entries per call. Their names are packed into one argument, which is the cheapest form.
_STORE_SCRIPT = """
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
for i, name in ipairs(cmsgpack.unpack(ARGV[1])) do
  local tag, key, generation, left = name[1], name[2], name[3], name[4]
  if left > 0 and redis.call('HGET', tag, '*') == generation then
    redis.call('HSET', tag, key, string.format('%013.0f', now + left) .. ARGV[i + 1])
    if redis.call('PTTL', tag) < left then
      redis.call('PEXPIRE', tag, left)
    end
  end
end
"""
_EMPTY_TAG_LIFETIME = 60_000
"""Milliseconds for which a tag without entries has a generation: longer than any load takes."""
_STORE_DELAY = 0.005
"""Seconds for which loaded entries wait so that more can be stored with them."""
_BATCH_SIZE = 500
"""The maximum number of entries that one script stores; Redis serves no other client while the script runs."""
_MAX_GENERATIONS = 10_000
"""The maximum number of tags whose generation in Redis this process remembers."""
_RETRY_INTERVAL = 0.1
"""Seconds between attempts to deliver a failed invalidation."""
_HITS = CACHE_HITS.labels("Redis")


@dataclass(frozen=True, slots=True)
class _Absent:
    """An entry to load, with the generations of its tag in this process and in Redis."""

    name: CacheKey
    local_generation: Generation
    redis_generation: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An entry for Redis to store until `expires_at`, by `time.monotonic()`."""

    name: CacheKey
    redis_generation: str
    body: bytes
    expires_at: float


class RedisCache:
    """Serves its own entries, at most `capacity` bytes, as long as it receives the invalidations of other processes.

    While Redis is unavailable, it loads without storing. If an invalidation fails, it tries ten times a second to
    deliver it, and does not look up that tag in Redis until then. Meanwhile, other processes that reach Redis may
    still find the old entries; if this process dies first, the job that invalidates the tag again removes them.
    """

    def __init__(self, url: str, capacity: int = 64 * 1024 * 1024, *, timeout: float = TIMEOUT) -> None:
        """`timeout` is the number of seconds after which Redis counts as unavailable."""
        self.max_age: timedelta | None = None
        self._client = RedisClient(url, timeout=timeout)
        self._find_script = self._client.redis.register_script(_FIND_SCRIPT)
        self._store_script = self._client.redis.register_script(_STORE_SCRIPT)
        self._entries = Entries(capacity, LocalGenerations())
        self._listener = InvalidationListener(self._client, self._entries)
        self._generations: dict[str, str] = {}
        self._loads: SingleFlight[tuple[CacheKey, str]] = SingleFlight()
        self._local_loads = LocalLoads(self._entries)
        self._unstored: list[_Loaded] = []
        self._storing: asyncio.Task[None] | None = None
        self._pending_invalidations: set[str] = set()
        self._publishing: asyncio.Task[None] | None = None

    def cached(self, tag: str, key: str, *, fresh: bool = False) -> bytes | None:
        return self._entries.find(tag, key, fresh=fresh) if self._listener.is_current else None

    async def get_or_load(
        self,
        tag: str,
        key: str,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
        *,
        fresh: bool = False,
    ) -> bytes:
        found = self.cached(tag, key, fresh=fresh)
        if found is not None:
            return found
        await self._listener.listen()
        entry = await self._find((tag, key))
        if isinstance(entry, bytes):
            return entry
        # A load in this process may have ended meanwhile, and Redis may not have its result yet.
        found = self.cached(tag, key, fresh=fresh)
        if found is not None:
            return found
        if entry is None:
            CACHE_LOADS.inc()
            return await load()

        async def load_it(_: Sequence[int]) -> Sequence[bytes]:
            return (await self._load(entry, load, lifetime),)

        (loaded,) = await self._loads.load([(entry.name, entry.redis_generation)], load_it)
        return loaded

    async def get_or_load_many(
        self, keys: Sequence[CacheKey], load: Load, lifetime: timedelta, *, fresh: bool = False
    ) -> Sequence[bytes]:
        """Caches in this process only: one query of the database for all keys is faster than Redis."""
        await self._listener.listen()
        if not self._listener.is_current:
            # Do not share a load in progress: it may have begun before an invalidation that was not received.
            CACHE_LOADS.inc(len(keys))
            return await load(keys)
        return await self._local_loads.get_or_load(keys, load, lifetime, fresh=fresh)

    async def invalidate(self, *tags: str) -> None:
        self._entries.invalidate(*tags)
        await self._announce(tags, message_of(tags))
        # Invalidate again: meanwhile a lookup may have copied an old entry from Redis.
        self._entries.invalidate(*tags)

    async def refresh(self, *tags: str) -> None:
        """Drops the entries in Redis: only processes serve older ones for a while."""
        self._entries.refresh(*tags)
        await self._announce(tags, message_of(tags, is_refresh=True))
        self._entries.refresh(*tags)

    async def _announce(self, tags: Sequence[str], message: str) -> None:
        """Drops the entries of these tags in Redis and sends `message` to all processes, now or once Redis responds."""
        try:
            async with self._client.guard():
                await self._publish(tags, message)
            # The next generation is this process's own change, and no reason to refresh other parts of the tag.
            for tag in tags:
                self._generations.pop(whole_of(tag), None)
        except Unavailable:
            self._pending_invalidations.update(tags)
            if self._publishing is None or self._publishing.done():
                self._publishing = asyncio.create_task(self._publish_later())

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        await self._loads.close()
        await self._local_loads.close()
        for task in filter(None, (self._storing, self._publishing)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._listener.close()
        await self._client.close()

    async def _find(self, name: CacheKey) -> bytes | _Absent | None:
        """Looks up an entry in Redis. None if Redis is unavailable: then the loaded result must not be stored."""
        tag, key = name
        if not self._pending_invalidations.isdisjoint((tag, whole_of(tag))):
            return None
        local_generation, token = self._entries.generation(tag), token_hex(8)
        try:
            async with self._client.guard():
                ttl_ms, content = await self._find_script(
                    (self._client.key(whole_of(tag)),), (_field(name), token, _EMPTY_TAG_LIFETIME)
                )
        except Unavailable:
            return None
        if ttl_ms:
            _HITS.inc()
            self._entries.store(tag, key, content, local_generation, time.monotonic() + ttl_ms / 1000)
            return bytes(content)
        redis_generation = content.decode()
        self._notice(whole_of(tag), redis_generation)
        # Read again, before the load begins: the notice may have refreshed the tag.
        return _Absent(name, self._entries.generation(tag), redis_generation)

    def _notice(self, tag: str, generation: str) -> None:
        """Refreshes a tag whose generation in Redis has changed, even before the message about it arrives: otherwise
        new entries could be derived from outdated ones and live longer."""
        if self._generations.get(tag, generation) != generation:
            self._entries.refresh(tag)
        if len(self._generations) == _MAX_GENERATIONS:
            self._generations.clear()
        self._generations[tag] = generation

    async def _load(
        self, absent: _Absent, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        # The lifetime begins before the load: its result may be that old.
        begun = time.monotonic()
        CACHE_LOADS.inc()
        body = await load()
        if isinstance(body, Uncacheable):
            return body
        expires_at = begun + seconds_to_live(body, lifetime)
        self._entries.store(*absent.name, body, absent.local_generation, expires_at)
        if isinstance(body, ShortLived):
            return body
        self._unstored.append(_Loaded(absent.name, absent.redis_generation, body, expires_at))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())
        return body

    async def _store(self) -> None:
        """Stores loaded entries in Redis in batches; no caller waits for it, since this process already has them."""
        while self._unstored:
            await asyncio.sleep(_STORE_DELAY)
            loaded, self._unstored = self._unstored[:_BATCH_SIZE], self._unstored[_BATCH_SIZE:]
            now = time.monotonic()
            names = [
                (
                    self._client.key(whole_of(one.name[0])),
                    _field(one.name),
                    one.redis_generation,
                    int((one.expires_at - now) * 1000),
                )
                for one in loaded
            ]
            with suppress(Unavailable):  # Redis lacks the entry until the next load
                async with self._client.guard():
                    bodies = [one.body for one in loaded]
                    await self._store_script((), (msgspec.msgpack.encode(names), *bodies))

    async def _publish(self, tags: Sequence[str], message: str) -> None:
        async with self._client.redis.pipeline() as pipeline:
            pipeline.unlink(*(self._client.key(tag) for tag in dict.fromkeys(map(whole_of, tags))))
            pipeline.publish(self._listener.channel, message)
            await pipeline.execute()

    async def _publish_later(self) -> None:
        while self._pending_invalidations:
            await asyncio.sleep(_RETRY_INTERVAL)
            tags = list(self._pending_invalidations)
            # Bypass the circuit breaker: no caller waits, and others may find old entries until this succeeds.
            with suppress(RedisError, OSError, TimeoutError):
                await self._publish(tags, message_of(tags))
                self._entries.invalidate(*tags)
                self._pending_invalidations.difference_update(tags)


def _field(name: CacheKey) -> str:
    """Returns the field of an entry in the hash of its tag, or of the tag that its own is part of."""
    tag, key = name
    return key if whole_of(tag) == tag else f"{tag}\n{key}"
