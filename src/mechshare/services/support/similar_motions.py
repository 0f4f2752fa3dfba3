"""Finds mechanisms by how they move, as far as a viewer may find them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.motion import ANALYSIS, Neighbour
from mechshare.domain.policy import Viewer
from mechshare.ports.motion_index import MotionIndex
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import listed_among

_LEAST_LIKENESS = 0.3
"""Motions that are less alike have nothing in common."""
_BATCH_SIZE = 500
_LATEST = timedelta(seconds=30)
"""How long a transaction may have been open that wrote a motion: those of this time are read again."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarMechanism:
    """`likeness` is 0..1; `is_duplicate` says that the clips seem to be one, perhaps altered."""

    item: AuthoredMechanism
    likeness: float
    is_duplicate: bool


class SimilarMotions:
    """Keeps `index` up to date with the database, and reads it."""

    def __init__(self, index: MotionIndex) -> None:
        self._index = index
        self._read_until = _BEGINNING

    async def find_of(
        self, tx: UnitOfWork, viewer: Viewer, mechanism_id: MechanismId, limit: int
    ) -> tuple[SimilarMechanism, ...]:
        """Returns the `limit` listed mechanisms that move most like this one, nearest first."""
        own = await tx.motions.find(mechanism_id)
        if own is None or own.vector is None or own.analysis != ANALYSIS:
            return ()
        return await self.find_near(tx, viewer, own.vector, limit, excluding=mechanism_id)

    async def find_near(
        self,
        tx: UnitOfWork,
        viewer: Viewer,
        vector: bytes,
        limit: int,
        *,
        excluding: MechanismId | None = None,
    ) -> tuple[SimilarMechanism, ...]:
        """Returns the `limit` listed mechanisms with the nearest vectors, nearest first, without `excluding`.

        What `viewer` may not find in lists is absent, and leaves no gap.
        """
        await self._catch_up(tx)
        found: list[SimilarMechanism] = []
        seen = {excluding}
        offset, batch = 0, 4 * limit
        while len(found) < limit:
            neighbours = await self._index.nearest(vector, offset=offset, limit=batch)
            alike = [one for one in neighbours if one.likeness >= _LEAST_LIKENESS]
            # An index that is only about right may name one again in a later batch.
            found += await _listed(tx, viewer, [one for one in alike if one.mechanism_id not in seen])
            seen |= {one.mechanism_id for one in alike}
            if len(alike) < batch:
                break
            offset, batch = offset + batch, 2 * batch
        return tuple(found[:limit])

    async def _catch_up(self, tx: UnitOfWork) -> None:
        """Reads into the index what was analysed since the last time."""
        since, after = self._read_until - _LATEST, None
        while motions := await tx.motions.find_since(since, after, limit=_BATCH_SIZE):
            current = [
                (one.mechanism_id, one.vector if one.analysis == ANALYSIS else None) for one in motions
            ]
            await self._index.put(current)
            since, after = motions[-1].analysed_at, motions[-1].mechanism_id
            self._read_until = max(self._read_until, since)


async def _listed(tx: UnitOfWork, viewer: Viewer, neighbours: Sequence[Neighbour]) -> list[SimilarMechanism]:
    """Returns those of the neighbours that lists show to `viewer`, in their order."""
    items: dict[MechanismId, AuthoredMechanism] = {}
    ids = [one.mechanism_id for one in neighbours]
    for start in range(0, len(ids), _BATCH_SIZE):
        found = await tx.mechanisms.find_authored(ids[start : start + _BATCH_SIZE])
        items |= {item.mechanism.id: item for item in await listed_among(tx, viewer, found)}
    return [
        SimilarMechanism(item=items[one.mechanism_id], likeness=one.likeness, is_duplicate=one.is_duplicate)
        for one in neighbours
        if one.mechanism_id in items
    ]
