"""The edges between mechanisms and what they build on."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageEdge, LineageKind


class LineageRepository(Protocol):
    """Edges are deleted with either of their mechanisms. Lists are in the order of (mechanism_id, source_id, kind)."""

    async def lock(self) -> None:
        """Lets other transactions that lock the lineage wait until this one ends, so that no two of them close a
        cycle together."""

    async def add(self, edge: LineageEdge) -> None:
        """Stores a new edge. Raises MechanismNotFound, and LineageExists if it is stored."""

    async def delete(self, mechanism_id: MechanismId, source_id: MechanismId, kind: LineageKind) -> bool:
        """Deletes the edge. Returns whether it was stored."""

    async def find_sources(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        """Returns edges from these mechanisms to their sources; at most 1,000 mechanisms per call."""

    async def find_derived(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        """Returns edges from other mechanisms to these, which are their sources; at most 1,000 per call."""
