"""The cache of encoded public responses."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from mechshare.domain.ids import UserId
from mechshare.ports.cache import STALENESS, Cache, CacheKey, ShortLived, Uncacheable
from mechshare.ports.clock import Clock
from mechshare.services.support.invalidation import writer_tag

RESPONSE_LIFETIME = timedelta(hours=1)
"""How long an encoded response is served at most; a change of the data invalidates or refreshes it."""


class ResponseKey(NamedTuple):
    """The key of a cached response; invalidating `tag` drops it."""

    tag: str
    name: str


class CachedResponse(NamedTuple):
    """An encoded response that is the same for every caller. `link` is the Link field (RFC 8288), or empty.

    One that is not `is_cacheable` may become outdated although no data changes. If it `is_shared`, callers still get it
    for STALENESS.
    """

    etag: bytes
    link: bytes
    body: bytes
    is_cacheable: bool = True
    is_shared: bool = True


class ResponseCache:
    """Caches encoded public responses; None marks a resource that is not public.

    `max_concurrent_loads` is the number of loads that one process runs at a time.
    """

    def __init__(self, cache: Cache, clock: Clock, max_concurrent_loads: int) -> None:
        self._cache = cache
        self._clock = clock
        self.max_concurrent_loads = max_concurrent_loads

    @property
    def entries_age(self) -> bool:
        """Whether entries expire because some invalidations do not reach them: what is made of an old entry would then
        outlive it."""
        return self._cache.max_age is not None

    def cached(self, key: ResponseKey, *, fresh: bool = False) -> CachedResponse | None:
        """Returns the response under `key` if this process has it, without waiting; else None.

        With `fresh`, here and below, a response that has been refreshed since does not count.
        """
        stored = self._cache.cached(*key, fresh=fresh)
        return _decoded(stored) if stored else None

    def has(self, key: ResponseKey, response: CachedResponse) -> bool:
        """Whether this process has, under `key`, a response with the same ETag that is cacheable like this one."""
        stored = self._cache.cached(*key)
        return stored is not None and stored.startswith(_beginning(response))

    def cached_part(self, key: ResponseKey) -> CachedResponse | None:
        """Returns the response under `key`, of which others are made, if this process has it.

        Returns None where `entries_age`.
        """
        return None if self.entries_age else self.cached(key)

    async def load(
        self, key: ResponseKey, load: Callable[[], Awaitable[CachedResponse]], *, fresh: bool = False
    ) -> CachedResponse:
        """Returns the response under `key`, calling `load` on a miss; concurrent callers share one load."""

        async def load_encoded() -> bytes:
            return _encoded(await load())

        return _decoded(await self._cache.get_or_load(*key, load_encoded, RESPONSE_LIFETIME, fresh=fresh))

    async def load_many(
        self,
        keys: Sequence[ResponseKey],
        load: Callable[[Sequence[ResponseKey]], Awaitable[Sequence[CachedResponse | None]]],
        *,
        fresh: bool = False,
    ) -> Sequence[CachedResponse | None]:
        """Returns the responses under these distinct keys, in their order; calls `load` for the missing ones."""

        async def load_encoded(absent: Sequence[tuple[str, str]]) -> Sequence[bytes]:
            loaded = await load([ResponseKey(*key) for key in absent])
            return [_encoded(one) if one else b"" for one in loaded]

        stored = await self._cache.get_or_load_many(keys, load_encoded, RESPONSE_LIFETIME, fresh=fresh)
        return [_decoded(one) if one else None for one in stored]

    async def load_parts(
        self,
        keys: Sequence[ResponseKey],
        load: Callable[[Sequence[ResponseKey]], Awaitable[Sequence[CachedResponse | None]]],
    ) -> Sequence[CachedResponse | None]:
        """Returns what `load_many` does, for responses of which others are made; where entries age, none is stored."""
        return await (load(keys) if self.entries_age else self.load_many(keys, load))

    async def count(self, key: ResponseKey, count: Callable[[], Awaitable[int]]) -> int:
        """Returns the length of a public list, calling `count` on a miss.

        Never outdated: what is derived from it may be cached for longer.
        """

        async def load_count() -> bytes:
            return str(await count()).encode()

        return int(await self._cache.get_or_load(*key, load_count, RESPONSE_LIFETIME, fresh=True))

    async def has_just_written(self, user_id: UserId) -> bool:
        """Whether this user may have changed within STALENESS what is public, in any process."""
        key = (writer_tag(user_id), "since")
        since = self._cache.cached(*key)
        if since is None:
            # Unknown to this process: the user is new here, or has just written and so invalidated the entry.
            (since,) = await self._cache.get_or_load_many([key], self._now, RESPONSE_LIFETIME)
        age = self._clock.now().timestamp() - float(since)
        return abs(age) < STALENESS.total_seconds()  # dated ahead, if a clock was set back

    async def _now(self, keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [str(self._clock.now().timestamp()).encode()] * len(keys)


def _beginning(response: CachedResponse) -> bytes:
    return response.etag + b"\n" if response.is_cacheable else b"\n" + response.etag + b"\n"


def _encoded(response: CachedResponse) -> bytes:
    stored = _beginning(response) + response.link + b"\n" + response.body
    if response.is_cacheable:
        return stored
    return (ShortLived if response.is_shared else Uncacheable)(stored)


def _decoded(stored: bytes) -> CachedResponse:
    etag, link, body = stored.split(b"\n", 2)
    if etag:
        return CachedResponse(etag, link, body)
    return _decoded(stored[1:])._replace(is_cacheable=False)
