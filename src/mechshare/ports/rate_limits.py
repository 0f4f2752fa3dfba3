"""Counts of rate-limited requests."""

from typing import Protocol

from mechshare.domain.rate_limits import Quota, Verdict


class RateLimiter(Protocol):
    async def hit(self, quota: Quota, key: str) -> Verdict:
        """Counts one use by `key` and returns whether it was within the quota. Refused uses are not counted."""

    async def check(self) -> str:
        """Returns one line about the server. Raises Unavailable."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
