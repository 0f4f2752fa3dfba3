"""Stores what analyses of motions find."""

from dataclasses import replace
from datetime import datetime

from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import AnalysedMotion, MotionAnalysis
from mechshare.ports.persistence.database import UnitOfWork


async def save_motion(tx: UnitOfWork, id: MechanismId, found: MotionAnalysis | None, now: datetime) -> None:
    """Stores that the mechanism was analysed, and the vector; nothing if it could not be analysed, except that the
    vector of an earlier file goes."""
    if found is not None:
        analysed = AnalysedMotion(
            mechanism_id=id, analysis=found.motion.analysis, vector=found.vector, analysed_at=now
        )
        await tx.motions.save(analysed)
    elif (former := await tx.motions.find(id)) is not None:
        await tx.motions.save(replace(former, analysis=0, vector=None, analysed_at=now))
