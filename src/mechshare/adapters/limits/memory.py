"""Rate limits counted in this process, by the library `limits`."""

import math
import time
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from mechshare.ports.limits import Quota, Verdict


class MemoryRateLimiter:
    """A window that moves with every use, so that it holds in any stretch of time, not in calendar ones alone.

    Up to `most_keys` keys are remembered per length of window; beyond that, the one used longest ago is forgotten.
    `now` is in seconds from any beginning, and never goes back.
    """

    def __init__(self, *, most_keys: int = 100_000, now: Callable[[], float] = time.monotonic) -> None:
        self._windows = _Windows(most_keys, now)
        self._limiter = MovingWindowRateLimiter(self._windows)

    async def hit(self, quota: Quota, key: str) -> Verdict:
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        allowed = await self._limiter.hit(item, key)
        ages = self._windows.ages(item.key_for(key), item.get_expiry())
        return Verdict(
            allowed=allowed,
            remaining=quota.amount - len(ages),
            reset_after=math.ceil(quota.seconds - min(ages, default=quota.seconds)),
        )

    async def check(self) -> str:
        return "in this process's memory"

    async def close(self) -> None:
        """Nothing is held but memory."""


class _Windows(MemoryStorage):
    """The instants of every use.

    The library's own storage looks at all keys on every use, in a thread's turn each: it is soon busy with nothing
    else. Here the keys stand in the order of their last use, and each use drops those whose window has passed.
    """

    def __init__(self, most_keys: int, now: Callable[[], float]) -> None:
        super().__init__()
        self._most_keys = most_keys
        self._now = now
        self._uses: defaultdict[int, OrderedDict[str, list[float]]] = defaultdict(OrderedDict)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now = self._now()
        keys = self._uses[expiry]
        recent = keys.get(key, [])
        del recent[: bisect_right(recent, now - expiry)]
        if len(recent) + amount > limit:
            return False
        recent.extend([now] * amount)
        keys[key] = recent
        keys.move_to_end(key)
        while len(keys) > self._most_keys or next(iter(keys.values()))[-1] <= now - expiry:
            keys.popitem(last=False)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        ages = self.ages(key, expiry)
        return self._now() - max(ages, default=0), len(ages)

    def ages(self, key: str, expiry: int) -> list[float]:
        """How long ago each use was that still counts, in seconds."""
        now = self._now()
        return [now - use for use in self._uses[expiry].get(key, ()) if use > now - expiry]
