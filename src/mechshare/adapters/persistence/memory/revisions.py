"""The former revisions of mechanisms in memory."""

from collections.abc import Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.revisions import FormerRevision
from mechshare.ports.persistence.revisions import RevisionRepository

REVISIONS = Table(
    "revisions",
    FormerRevision,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    number=KEY,
)


class MemoryRevisionRepository(RevisionRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, revision: FormerRevision) -> None:
        try:
            self._access.write(REVISIONS).insert(revision)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise StaleVersion() from problem

    async def find_former(self, mechanism_id: MechanismId) -> Sequence[FormerRevision]:
        rows = self._access.read(REVISIONS)
        own = (revision for revision in rows if revision.mechanism_id == mechanism_id)
        return sorted(own, key=lambda revision: revision.number)

    async def find_last_versions(self, mechanism_id: MechanismId) -> Sequence[tuple[int, int]]:
        return [(one.number, one.last_version) for one in await self.find_former(mechanism_id)]

    async def drop_file(self, mechanism_id: MechanismId, number: int) -> None:
        for one in await self.find_former(mechanism_id):
            if one.number == number:
                self._access.write(REVISIONS).put(replace(one, main_file=None))

    async def find_with_files(self) -> Sequence[MechanismId]:
        rows = self._access.read(REVISIONS)
        found = {one.mechanism_id for one in rows if one.main_file}
        return sorted(found)

    async def prune(self, mechanism_id: MechanismId, first: int) -> None:
        for revision in await self.find_former(mechanism_id):
            if revision.number < first:
                self._access.write(REVISIONS).delete(mechanism_id, revision.number)
