"""The history of the levels that authors state."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.reliability import ReliabilityChange


class ReliabilityHistory(Protocol):
    """Entries are only added, and end with their mechanism."""

    async def add(self, changes: Sequence[ReliabilityChange]) -> None:
        """Stores the changes. Raises MechanismNotFound, and StaleVersion if a version has an entry."""

    async def find_of(self, mechanism_id: MechanismId, *, limit: int) -> tuple[ReliabilityChange, ...]:
        """Returns the latest changes of a mechanism, newest first."""
