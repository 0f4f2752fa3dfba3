"""The history of a mechanism's reliability level."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.policy import Viewer, require_visible
from mechshare.domain.reliability import MAX_CHANGES, AuthoredChange
from mechshare.ports.persistence.database import Database


class ReliabilityService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_history(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[AuthoredChange, ...]:
        """Returns the latest MAX_CHANGES, newest first. Raises MechanismNotFound, also if `viewer` may not see it."""
        async with self._database.read() as tx:
            require_visible(viewer, await tx.mechanisms.find_by_id(mechanism_id))
            return await tx.reliability_history.find_of(mechanism_id, limit=MAX_CHANGES)
