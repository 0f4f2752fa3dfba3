"""The analysed motions of mechanisms in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)

from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms, metadata
from mechshare.adapters.persistence.sql.types import NOTHING, Id, UtcTime
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import AnalysedMotion
from mechshare.ports.persistence.motions import MotionRepository

motions = Table(
    "motions",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("analysis", Integer, nullable=False),
    Column("vector", LargeBinary),
    Column("analysed_at", UtcTime, nullable=False),
    Index("ix_motions_analysed_at", "analysed_at", "mechanism_id"),
)

_MOTION = record_of(AnalysedMotion, motions)
_INSERT = insert(motions)
_OWN = motions.c.mechanism_id == bindparam("owner", type_=motions.c.mechanism_id.type)
_DELETE = delete(motions).where(_OWN)
_FIND = select(motions).where(_OWN)
_SINCE = bindparam("since", type_=motions.c.analysed_at.type)
_AFTER = bindparam("after", type_=motions.c.mechanism_id.type)
_LIMIT = bindparam("limit", type_=Integer())
_FIND_SINCE = (
    select(motions)
    .where(
        or_(
            motions.c.analysed_at > _SINCE,
            and_(motions.c.analysed_at == _SINCE, motions.c.mechanism_id > _AFTER),
        )
    )
    .order_by(motions.c.analysed_at, motions.c.mechanism_id)
    .limit(_LIMIT)
)
_UNANALYSED = (
    select(mechanisms.c.id)
    .join(
        motions,
        and_(
            motions.c.mechanism_id == mechanisms.c.id,
            motions.c.analysis >= bindparam("analysis", type_=Integer()),
        ),
        isouter=True,
    )
    .where(
        mechanisms.c.kind == "clip",
        mechanisms.c.processing_state == "ready",
        mechanisms.c.original_key.is_not(None),
        motions.c.mechanism_id.is_(None),
    )
)
_FIND_UNANALYSED = _UNANALYSED.where(mechanisms.c.id > _AFTER).order_by(mechanisms.c.id).limit(_LIMIT)
_COUNT_UNANALYSED = select(func.count()).select_from(_UNANALYSED.subquery())


class SqlMotionRepository(MotionRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def save(self, motion: AnalysedMotion) -> None:
        await self._statements.change(_DELETE, {"owner": motion.mechanism_id})
        await self._statements.change(_INSERT, _MOTION.values(motion))

    async def find(self, mechanism_id: MechanismId) -> AnalysedMotion | None:
        row = await self._statements.row(_FIND, {"owner": mechanism_id})
        return _MOTION.value(row) if row else None

    async def find_since(
        self, since: datetime, after: MechanismId | None, *, limit: int
    ) -> Sequence[AnalysedMotion]:
        chosen = {"since": since, "after": after or NOTHING, "limit": limit}
        return [_MOTION.value(row) for row in await self._statements.rows(_FIND_SINCE, chosen)]

    async def find_unanalysed(
        self, analysis: int, after: MechanismId | None, *, limit: int
    ) -> Sequence[MechanismId]:
        chosen = {"analysis": analysis, "after": after or NOTHING, "limit": limit}
        return [MechanismId(id) for (id,) in await self._statements.rows(_FIND_UNANALYSED, chosen)]

    async def count_unanalysed(self, analysis: int) -> int:
        return int((await self._statements.row(_COUNT_UNANALYSED, {"analysis": analysis}))[0])
