"""The history of the levels that authors state."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.reliability import AuthoredChange, ReliabilityChange


class ReliabilityHistory(Protocol):
    """Entries are only added, and are deleted with their mechanism."""

    async def add(self, changes: Sequence[ReliabilityChange]) -> None:
        """Stores the changes. Raises MechanismNotFound, and StaleVersion if a version has an entry."""

    async def find_of(self, mechanism_id: MechanismId, *, limit: int) -> tuple[AuthoredChange, ...]:
        """Returns the latest changes of a mechanism with who made them, newest first."""
