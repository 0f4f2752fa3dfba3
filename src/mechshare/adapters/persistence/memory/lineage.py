"""Lineage in memory."""

from collections.abc import Iterable, Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageEdge, LineageExists, LineageKind
from mechshare.ports.persistence.lineage import LineageRepository

LINEAGE = Table(
    "lineage",
    LineageEdge,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    source_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    kind=KEY,
)


class MemoryLineageRepository(LineageRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def lock(self) -> None:
        """Does nothing: one transaction runs at a time."""

    async def add(self, edge: LineageEdge) -> None:
        try:
            self._access.write(LINEAGE).insert(edge)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise LineageExists() from problem

    async def delete(self, mechanism_id: MechanismId, source_id: MechanismId, kind: LineageKind) -> bool:
        edges = self._access.write(LINEAGE)
        exists = edges.find(mechanism_id, source_id, kind) is not None
        if exists:
            edges.delete(mechanism_id, source_id, kind)
        return exists

    async def find_sources(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        return _in_order((edge for edge in self._access.read(LINEAGE) if edge.mechanism_id in ids), limit)

    async def find_derived(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        return _in_order((edge for edge in self._access.read(LINEAGE) if edge.source_id in ids), limit)


def _in_order(edges: Iterable[LineageEdge], limit: int) -> list[LineageEdge]:
    return sorted(edges, key=lambda edge: (edge.mechanism_id, edge.source_id, edge.kind))[:limit]
