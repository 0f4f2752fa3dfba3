"""Rate limits counted in this process, by the library `limits`."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mechshare.ports.limits import Quota, Verdict


class MemoryRateLimiter:
    """A sliding window; keys that are not used any more are dropped by the library."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, quota: Quota, key: str) -> Verdict:
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        allowed = await self._limiter.hit(item, key)
        window = await self._limiter.get_window_stats(item, key)
        reset_after = max(1, math.ceil(window.reset_time - time.time()))
        return Verdict(allowed=allowed, remaining=window.remaining, reset_after=reset_after)
