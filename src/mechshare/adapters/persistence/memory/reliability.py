"""The history of reliability levels in memory."""

from collections.abc import Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.reliability import AuthoredChange, ReliabilityChange
from mechshare.ports.persistence.reliability import ReliabilityHistory

RELIABILITY_CHANGES = Table(
    "reliability_changes",
    ReliabilityChange,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    version=KEY,
)


class MemoryReliabilityHistory(ReliabilityHistory):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, changes: Sequence[ReliabilityChange]) -> None:
        rows = self._access.write(RELIABILITY_CHANGES)
        try:
            for change in changes:
                rows.insert(change)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise StaleVersion() from problem

    async def find_of(self, mechanism_id: MechanismId, *, limit: int) -> tuple[AuthoredChange, ...]:
        rows = self._access.read(RELIABILITY_CHANGES)
        own = [change for change in rows if change.mechanism_id == mechanism_id]
        latest = sorted(own, key=lambda change: change.version, reverse=True)[:limit]
        users = self._access.read(USERS)
        makers = (users.find(change.changed_by) for change in latest)
        return tuple(
            AuthoredChange(change=change, name=user.display_name if user else None)
            for change, user in zip(latest, makers, strict=True)
        )
