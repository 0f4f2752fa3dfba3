"""Searches by motion in SQL."""

from datetime import datetime

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import MotionSearchId
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import Motion
from mechshare.domain.motion_searches import MotionSearch
from mechshare.domain.originals import OriginalFile
from mechshare.ports.persistence.motion_searches import MotionSearchRepository

motion_searches = Table(
    "motion_searches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("clip", JsonColumn(OriginalFile)),
    Column("motion", JsonColumn(Motion)),
    Column("vector", LargeBinary),
    Column("failure", JsonColumn(ProcessingFailure)),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_motion_searches_expires", "expires_at", "id"),
)

_SEARCH = record_of(MotionSearch, motion_searches)
_HAS_ID = motion_searches.c.id == bindparam("same_id", type_=motion_searches.c.id.type)
_BY_ID = select(motion_searches).where(_HAS_ID)
_INSERT = insert(motion_searches)
_UPDATE = update(motion_searches).where(_HAS_ID)
_DELETE_EXPIRED = delete(motion_searches).where(
    motion_searches.c.id.in_(
        select(motion_searches.c.id)
        .where(motion_searches.c.expires_at < bindparam("now", type_=motion_searches.c.expires_at.type))
        .order_by(motion_searches.c.expires_at, motion_searches.c.id)
        .limit(bindparam("limit"))
    )
)


class SqlMotionSearchRepository(MotionSearchRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, search: MotionSearch) -> None:
        try:
            await self._statements.change(_INSERT, _SEARCH.values(search))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, search_id: MotionSearchId) -> MotionSearch | None:
        row = await self._statements.row(_BY_ID, {"same_id": search_id})
        return _SEARCH.value(row) if row else None

    async def save(self, search: MotionSearch) -> None:
        await self._statements.change(_UPDATE, {**_SEARCH.values(search), "same_id": search.id})

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_EXPIRED, {"now": now, "limit": limit})
