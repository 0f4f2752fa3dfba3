"""Who has lately opened what, so that a viewer counts once in five minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class View:
    """What distinguishes `viewer` from others, and the `subject` that was viewed."""

    viewer: str
    subject: str


class RecentViews(Protocol):
    """Stores no viewer as such: only hashes under a key that is replaced each day (UTC)."""

    async def admit(self, views: Sequence[View], now: datetime) -> Sequence[bool]:
        """Returns for each view whether its viewer has not been admitted to its subject within COUNTED_ONCE_IN before
        `now`, or since the day began; admits those viewers. Never waits for long.

        It may admit somebody again too early if very many view at the same time.
        """

    async def close(self) -> None:
        """Releases the adapter's resources."""
