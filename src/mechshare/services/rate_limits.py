"""Limits the requests per client address, and the costly ones among them, some of them also per user."""

from collections.abc import Awaitable, Mapping
from enum import StrEnum

from mechshare.domain.errors import TooManyRequests
from mechshare.domain.rate_limits import Quota, Verdict
from mechshare.ports.rate_limits import RateLimiter


class CostlyOperation(StrEnum):
    """The kinds of request that have a quota of their own, in addition to that of all requests."""

    REGISTRATIONS = "registrations"
    UPLOADS = "uploads"
    SEARCHES = "searches"
    RETRIES = "retries"


class RateLimitService:
    """Allows each address `per_minute` requests, and the quotas of `costly` ones among them; 0 means no limit.

    Without a limit on requests there is none on costly ones either.
    """

    def __init__(
        self, limiter: RateLimiter, per_minute: int, costly: Mapping[CostlyOperation, Quota]
    ) -> None:
        self._limiter = limiter
        self._costly = costly
        self.quota = Quota(name="requests", amount=per_minute, seconds=60)

    @property
    def is_limited(self) -> bool:
        return self.quota.amount > 0

    def count_request(self, address: str) -> Awaitable[Verdict]:
        """Counts one request of `address`; returns the verdict. Call it only if there is a limit."""
        return self._limiter.hit(self.quota, address)

    async def count_operation(self, kind: CostlyOperation, caller: str) -> None:
        """Counts one request of this kind by `caller`, an address or a user. Raises TooManyRequests."""
        quota = self._costly[kind]
        if not (self.is_limited and quota.amount):
            return
        verdict = await self._limiter.hit(quota, caller)
        if not verdict.allowed:
            raise TooManyRequests(retry_after=verdict.retry_after)
