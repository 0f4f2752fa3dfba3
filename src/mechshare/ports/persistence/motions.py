"""The analysed motions of mechanisms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import AnalysedMotion


class MotionRepository(Protocol):
    """A motion is deleted with its mechanism."""

    async def save(self, motion: AnalysedMotion) -> None:
        """Stores the motion in place of an earlier one. Its mechanism exists."""

    async def find(self, mechanism_id: MechanismId) -> AnalysedMotion | None: ...

    async def find_since(
        self, since: datetime, after: MechanismId | None, *, limit: int
    ) -> Sequence[AnalysedMotion]:
        """Returns the first `limit` motions that were analysed at `since` or later, by that time and their identifiers;
        those of the time `since` only if their identifiers follow `after`, if it is given."""

    async def find_unanalysed(
        self, analysis: int, after: MechanismId | None, *, limit: int
    ) -> Sequence[MechanismId]:
        """Returns the first `limit` clips stored here and ready that no analysis of the version `analysis` or a later
        one has seen, by their identifiers, which follow `after` if it is given."""

    async def count_unanalysed(self, analysis: int) -> int:
        """Counts the clips that `find_unanalysed` finds."""
