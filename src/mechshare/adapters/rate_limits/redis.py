"""Rate limits counted in Redis with the library `limits`, shared by all processes of all hosts."""

import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mechshare.adapters.rate_limits.window import verdict
from mechshare.adapters.redis_client import RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.domain.rate_limits import Quota, Verdict
from mechshare.ports.rate_limits import RateLimiter

_SHARE = 100
"""The fraction of a quota that a process takes at a time is 1 / _SHARE."""
_GOOD_FOR = 1.0
"""Seconds for which taken uses are valid."""
_MAX_TAKEN = 10_000
"""The maximum number of callers whose taken uses are remembered."""


@dataclass(slots=True)
class _Taken:
    """Uses of a quota that Redis has already counted and that this process may still allow."""

    left: int
    remaining: int
    reset_after: int
    ends: float


class RedisRateLimiter:
    """A sliding-window counter (see `window`): two keys for each caller, which expire with their windows.

    While Redis is unavailable, `instead` counts, for the processes of one machine only.

    A process takes a hundredth of a quota at a time, so that it does not query Redis for every use of a large quota.
    Uses that it does not spend within a second are lost to the caller until the window has moved on. All processes
    together never allow more than the quota, and allow at least 99 % of it less 1 % for each further process.
    """

    def __init__(self, url: str, instead: RateLimiter) -> None:
        self._client = RedisClient(url)
        storage = RedisStorage(
            "redis://",  # ignored, since a pool is given
            connection_pool=self._client.redis.connection_pool,  # type: ignore[arg-type]
            implementation="redispy",
            key_prefix=self._client.key("limits"),
        )
        self._storage = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._instead = instead
        self._taken: OrderedDict[tuple[Quota, str], _Taken] = OrderedDict()

    async def hit(self, quota: Quota, key: str) -> Verdict:
        taken = self._taken.get((quota, key))
        if taken is not None and taken.left and time.monotonic() < taken.ends:
            taken.left -= 1
            return Verdict(
                allowed=True, remaining=taken.remaining + taken.left, reset_after=taken.reset_after
            )
        share = max(1, quota.amount // _SHARE)
        try:
            taken_now = await self._take(quota, key, share)
            if not taken_now.allowed and share > 1:  # less than a share is left
                share = 1
                taken_now = await self._take(quota, key, share)
        except Unavailable:
            return await self._instead.hit(quota, key)
        if share == 1:
            return taken_now
        ends = time.monotonic() + _GOOD_FOR
        self._taken[quota, key] = _Taken(share - 1, taken_now.remaining, taken_now.reset_after, ends)
        self._taken.move_to_end((quota, key))
        if len(self._taken) > _MAX_TAKEN:
            self._taken.popitem(last=False)
        return replace(taken_now, remaining=taken_now.remaining + share - 1)

    async def _take(self, quota: Quota, key: str, uses: int) -> Verdict:
        """Counts `uses` in Redis. Raises Unavailable."""
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        async with self._client.guard():
            allowed = await self._limiter.hit(item, key, cost=uses)
            before, _, present, ends = await self._storage.get_sliding_window(
                item.key_for(key), quota.seconds
            )
        # The library stores a counter for two windows: its own, and the next, for which it is the previous one.
        elapsed = 2 * quota.seconds - ends if ends else 0.0
        return verdict(quota, before, present, min(max(0.0, elapsed), quota.seconds), allowed=allowed)

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        await self._client.close()
