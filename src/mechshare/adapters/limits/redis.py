"""Rate limits counted in Redis by the library `limits`, for all processes of all hosts together."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from mechshare.adapters.redis_client import RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.ports.limits import Quota, RateLimiter, Verdict


class RedisRateLimiter:
    """A window that moves with every use. While Redis does not answer, `instead` counts, which knows one process."""

    def __init__(self, url: str, instead: RateLimiter) -> None:
        self._client = RedisClient(url)
        storage = RedisStorage(
            "redis://",  # of no meaning beside the pool
            connection_pool=self._client.redis.connection_pool,  # type: ignore[arg-type]
            implementation="redispy",
            key_prefix=self._client.key("limits"),
        )
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)
        self._instead = instead

    async def hit(self, quota: Quota, key: str) -> Verdict:
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        try:
            async with self._client.asking():
                allowed = await self._limiter.hit(item, key)
                oldest, used = await self._storage.get_moving_window(
                    item.key_for(key), quota.amount, quota.seconds
                )
        except Unavailable:
            return await self._instead.hit(quota, key)
        ends = oldest + quota.seconds - time.time()
        return Verdict(
            allowed=allowed,
            remaining=max(0, quota.amount - used),
            reset_after=min(quota.seconds, max(1, math.ceil(ends))),
        )

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        await self._client.close()
