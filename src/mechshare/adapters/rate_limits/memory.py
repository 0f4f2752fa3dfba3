"""Rate limits counted in this process, by the library `limits`."""

import math
import time
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from mechshare.domain.rate_limits import Quota, Verdict


class MemoryRateLimiter:
    """A window that moves with every use, so that it holds in any stretch of time, not in calendar ones alone.

    Up to `max_keys` keys are remembered per length of window; beyond that, the one used longest ago is forgotten.
    `now` is in seconds from any beginning, and never goes back.
    """

    def __init__(self, *, max_keys: int = 100_000, now: Callable[[], float] = time.monotonic) -> None:
        self._windows = _Windows(max_keys, now)
        self._limiter = MovingWindowRateLimiter(self._windows)

    async def hit(self, quota: Quota, key: str) -> Verdict:
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        allowed = await self._limiter.hit(item, key)
        uses, newest = self._windows.state(item.key_for(key), item.get_expiry())
        return Verdict(
            allowed=allowed,
            remaining=quota.amount - uses,
            reset_after=math.ceil(quota.seconds - newest),
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

    def __init__(self, max_keys: int, now: Callable[[], float]) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._now = now
        self._uses: defaultdict[int, OrderedDict[str, list[float]]] = defaultdict(OrderedDict)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now = self._now()
        keys = self._uses[expiry]
        recent = self._recent(key, expiry)
        if len(recent) + amount > limit:
            return False
        recent.extend([now] * amount)
        keys[key] = recent
        keys.move_to_end(key)
        while len(keys) > self._max_keys or next(iter(keys.values()))[-1] <= now - expiry:
            keys.popitem(last=False)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        recent = self._recent(key, expiry)
        return recent[0] if recent else self._now(), len(recent)

    def state(self, key: str, expiry: int) -> tuple[int, float]:
        """How many uses still count, and how long ago the newest of them was, in seconds; `expiry` if none was."""
        recent = self._recent(key, expiry)
        return len(recent), self._now() - recent[-1] if recent else expiry

    def _recent(self, key: str, expiry: int) -> list[float]:
        """The instants of the uses that still count, without looking at each of them."""
        recent = self._uses[expiry].get(key, [])
        del recent[: bisect_right(recent, self._now() - expiry)]
        return recent
