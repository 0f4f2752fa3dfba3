"""How often something may be done."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `amount` in any `seconds`, counted under `name`."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`remaining` of the quota, and whole seconds until all of it is back (`reset_after`)."""

    allowed: bool
    remaining: int
    reset_after: int


class RateLimiter(Protocol):
    async def hit(self, quota: Quota, key: str) -> Verdict:
        """Counts one use by `key` and says whether it was within the quota. What is refused is not counted."""

    async def check(self) -> str:
        """One line on what answers. Raises Unavailable."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
