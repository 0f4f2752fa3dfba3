"""The doorbell of the job ledger: it wakes workers and carries no data."""

from datetime import timedelta
from typing import Protocol


class Doorbell(Protocol):
    """A ring may be lost, late or spurious: workers poll the ledger anyway."""

    async def ring(self) -> None:
        """Wakes the waiters of this process and, if the adapter reaches them, of others. Never raises."""

    async def wait(self, timeout: timedelta) -> None:
        """Returns soon after a ring, or after `timeout`. A ring without a waiter wakes the next one."""

    async def check(self) -> str:
        """Returns one line about the server. Raises Unavailable."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
