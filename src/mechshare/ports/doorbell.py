"""The doorbell of the job ledger: it says "look now" and carries no work itself."""

from datetime import timedelta
from typing import Protocol


class Doorbell(Protocol):
    """May be deaf, late or ring for nothing: whoever waits looks at the ledger anyway, and often enough."""

    async def ring(self) -> None:
        """Wakes those who wait, in this process and, where the adapter reaches them, in others. Never raises."""

    async def wait(self, timeout: timedelta) -> None:
        """Returns soon after a ring, or after `timeout`. A ring while nobody waits is kept for the next who does."""

    async def check(self) -> str:
        """One line on what answers. Raises Unavailable."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
