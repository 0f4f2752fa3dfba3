"""How often one address may send requests."""

from mechshare.domain.rate_limits import Quota, Verdict
from mechshare.ports.rate_limits import RateLimiter


class RateLimitService:
    """Allows each address `per_minute` requests; 0 is no limit."""

    def __init__(self, limiter: RateLimiter, per_minute: int) -> None:
        self._limiter = limiter
        self.quota = Quota(name="requests", amount=per_minute, seconds=60)

    @property
    def is_limited(self) -> bool:
        return self.quota.amount > 0

    async def count_request(self, address: str) -> Verdict:
        """Counts one request of `address`; whether it is within the quota. Call it only where there is a limit."""
        return await self._limiter.hit(self.quota, address)
