"""The history of a mechanism's reliability level."""

from dataclasses import dataclass

from mechshare.domain.ids import MechanismId
from mechshare.domain.policy import Viewer, require_visible
from mechshare.domain.reliability import ReliabilityChange
from mechshare.ports.persistence.database import Database

MAX_CHANGES = 100
"""The changes that a history shows, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredChange:
    """A change, and the display name of who made it; None if the account was deleted."""

    change: ReliabilityChange
    name: str | None


class ReliabilityService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_history(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[AuthoredChange, ...]:
        """Returns the latest MAX_CHANGES, newest first. Raises MechanismNotFound, also if `viewer` may not see it."""
        async with self._database.read() as tx:
            require_visible(viewer, await tx.mechanisms.find_by_id(mechanism_id))
            changes = await tx.reliability_history.find_of(mechanism_id, limit=MAX_CHANGES)
            users = [await tx.users.find_by_id(id) for id in {change.changed_by for change in changes}]
        names = {user.id: user.display_name for user in users if user}
        return tuple(AuthoredChange(change=one, name=names.get(one.changed_by)) for one in changes)
