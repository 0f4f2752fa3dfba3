"""The history of a mechanism's reliability level."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.policy import Viewer
from mechshare.domain.reliability import MAX_CHANGES, AuthoredChange
from mechshare.ports.persistence.database import Database
from mechshare.services.support.access import find_visible


class ReliabilityService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_history(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[AuthoredChange, ...]:
        """Returns the latest MAX_CHANGES, newest first. Raises MechanismNotFound, also if `viewer` may not see it."""
        async with self._database.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.reliability_history.find_of(mechanism_id, limit=MAX_CHANGES)
