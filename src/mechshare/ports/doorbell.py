"""The doorbell of the job ledger: it wakes those who wait for new jobs, and carries no data."""

from datetime import timedelta
from typing import Protocol

from mechshare.domain.jobs import Listener


class Doorbell(Protocol):
    """A ring may be lost, late or spurious: workers poll the ledger anyway, and feeds the database."""

    async def ring(self) -> None:
        """Wakes the waiters of this process and, if the adapter reaches them, of others. Never raises."""

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        """Returns soon after a ring, or after `timeout`. A ring during which a listener does not wait ends its next
        wait."""

    async def check(self) -> str:
        """Returns one line about the server. Raises Unavailable."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
