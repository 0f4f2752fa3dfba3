"""Counting how often something is done."""

from typing import Protocol

from mechshare.domain.rate_limits import Quota, Verdict


class RateLimiter(Protocol):
    async def hit(self, quota: Quota, key: str) -> Verdict:
        """Counts one use by `key` and says whether it was within the quota. What is refused is not counted."""

    async def check(self) -> str:
        """One line on what answers. Raises Unavailable."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
