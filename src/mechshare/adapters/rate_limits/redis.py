"""Rate limits counted in Redis with the library `limits`, shared by all processes of all hosts."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakValueDictionary

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mechshare.adapters.rate_limits.window import verdict
from mechshare.adapters.redis_client import TIMEOUT, RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.domain.rate_limits import Quota, Verdict
from mechshare.ports.rate_limits import RateLimiter

_SHARES_PER_QUOTA = 100
"""The fraction of a quota that a process takes at a time is 1 / _SHARES_PER_QUOTA."""
_RESERVATION_SECONDS = 1.0
"""Seconds for which taken uses are valid."""
_MAX_RESERVATIONS = 10_000
"""The maximum number of callers whose taken uses are remembered."""


@dataclass(slots=True)
class _Reservation:
    """Uses of a quota that Redis has already counted and that this process may still allow."""

    left: int
    remaining: int
    reset_after: int
    expires_at: float


class RedisRateLimiter:
    """A sliding-window counter (see `window`): two keys for each caller, which expire with their windows.

    While Redis is unavailable, `fallback` counts, for the processes of one machine only.

    A process takes a hundredth of a quota at a time, so that it does not query Redis for every use of a large quota.
    Uses that it does not spend within a second are lost to the caller until the window has moved on. All processes
    together never allow more than the quota, and allow at least 99 % of it less 1 % for each further process.
    """

    def __init__(self, url: str, fallback: RateLimiter, *, timeout: float = TIMEOUT) -> None:
        """`timeout` is the number of seconds after which Redis counts as unavailable."""
        self._client = RedisClient(url, timeout=timeout)
        storage = RedisStorage(
            "redis://",  # ignored, since a pool is given
            connection_pool=self._client.redis.connection_pool,  # type: ignore[arg-type]
            implementation="redispy",
            key_prefix=self._client.key("limits"),
        )
        self._storage = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._fallback = fallback
        self._reservations: OrderedDict[tuple[Quota, str], _Reservation] = OrderedDict()
        self._taking: WeakValueDictionary[tuple[Quota, str], asyncio.Lock] = WeakValueDictionary()

    async def hit(self, quota: Quota, key: str) -> Verdict:
        taken = self._use_taken(quota, key)
        if taken is not None:
            return taken
        share = max(1, quota.amount // _SHARES_PER_QUOTA)
        try:
            if share > 1:
                # One share after another: of shares taken at the same time, one would be spent and the others lost.
                async with self._taking.setdefault((quota, key), asyncio.Lock()):
                    verdict_of_share = self._use_taken(quota, key) or await self._take(quota, key, share)
                if verdict_of_share.allowed:
                    return verdict_of_share
            return await self._reserve(quota, key, 1)  # less than a share is left
        except Unavailable:
            return await self._fallback.hit(quota, key)

    def _use_taken(self, quota: Quota, key: str) -> Verdict | None:
        """Spends a use that this process has taken; returns None if there is none."""
        reservation = self._reservations.get((quota, key))
        if reservation is None or not reservation.left or time.monotonic() >= reservation.expires_at:
            return None
        reservation.left -= 1
        remaining = reservation.remaining + reservation.left
        return Verdict(allowed=True, remaining=remaining, reset_after=reservation.reset_after)

    async def _take(self, quota: Quota, key: str, share: int) -> Verdict:
        """Takes a share of the quota and spends its first use. Raises Unavailable."""
        verdict_of_share = await self._reserve(quota, key, share)
        if not verdict_of_share.allowed:
            return verdict_of_share
        expires_at = time.monotonic() + _RESERVATION_SECONDS
        self._reservations[quota, key] = _Reservation(
            share - 1, verdict_of_share.remaining, verdict_of_share.reset_after, expires_at
        )
        self._reservations.move_to_end((quota, key))
        if len(self._reservations) > _MAX_RESERVATIONS:
            self._reservations.popitem(last=False)
        return verdict_of_share._replace(remaining=verdict_of_share.remaining + share - 1)

    async def _reserve(self, quota: Quota, key: str, uses: int) -> Verdict:
        """Counts `uses` in Redis. Raises Unavailable."""
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        async with self._client.guard():
            allowed = await self._limiter.hit(item, key, cost=uses)
            previous, _, current, ends = await self._storage.get_sliding_window(
                item.key_for(key), quota.seconds
            )
        # The library stores a counter for two windows: its own, and the next, for which it is the previous one.
        elapsed = 2 * quota.seconds - ends if ends else 0.0
        return verdict(quota, previous, current, min(max(0.0, elapsed), quota.seconds), allowed=allowed)

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        await self._client.close()
