"""Who has lately opened what, so that a viewer counts once in five minutes."""

from datetime import datetime
from typing import Protocol


class RecentViews(Protocol):
    """Stores no viewer as such: only hashes under a key that is replaced each day (UTC)."""

    def admit(self, viewer: str, subject: str, now: datetime) -> bool:
        """Returns whether `viewer` has not been admitted to `subject` within COUNTED_ONCE_IN before `now`, or since the
        day began; admits them if so. Never waits for long.

        It may admit somebody again too early if very many view at the same time.
        """

    def close(self) -> None:
        """Releases the adapter's resources."""
