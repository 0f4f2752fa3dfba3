"""The analysed motions of mechanisms in memory."""

from collections.abc import Sequence
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, Table
from mechshare.adapters.persistence.memory.tables import MECHANISMS
from mechshare.domain.ids import MechanismId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.motion import AnalysedMotion
from mechshare.domain.processing import ProcessingState
from mechshare.ports.persistence.motions import MotionRepository

MOTIONS = Table(
    "motions",
    AnalysedMotion,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
)


class MemoryMotionRepository(MotionRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def save(self, motion: AnalysedMotion) -> None:
        rows = self._access.write(MOTIONS)
        if rows.find(motion.mechanism_id) is not None:
            rows.delete(motion.mechanism_id)
        rows.insert(motion)

    async def find(self, mechanism_id: MechanismId) -> AnalysedMotion | None:
        return self._access.read(MOTIONS).find(mechanism_id)

    async def find_since(
        self, since: datetime, after: MechanismId | None, *, limit: int
    ) -> Sequence[AnalysedMotion]:
        placed = [((one.analysed_at, one.mechanism_id), one) for one in self._access.read(MOTIONS)]
        later = [(place, one) for place, one in placed if place > (since, after or "")]
        return [one for _, one in sorted(later, key=lambda item: item[0])[:limit]]

    async def find_unanalysed(
        self, analysis: int, after: MechanismId | None, *, limit: int
    ) -> Sequence[MechanismId]:
        return [id for id in sorted(self._unanalysed(analysis)) if id > (after or "")][:limit]

    async def count_unanalysed(self, analysis: int) -> int:
        return len(self._unanalysed(analysis))

    def _unanalysed(self, analysis: int) -> list[MechanismId]:
        motions = self._access.read(MOTIONS)
        clips = [
            one.id
            for one in self._access.read(MECHANISMS)
            if one.kind is MechanismKind.CLIP
            and one.processing.state is ProcessingState.READY
            and one.original is not None
        ]
        return [id for id in clips if (found := motions.find(id)) is None or found.analysis < analysis]
