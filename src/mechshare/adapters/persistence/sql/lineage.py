"""Lineage in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ForeignKey, Select, String, Table, bindparam, delete, insert, select

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, IdList, UtcTime
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageEdge, LineageExists, LineageKind
from mechshare.ports.persistence.lineage import LineageRepository

lineage = Table(
    "lineage",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("kind", String(16), primary_key=True),
    # Stays when the account is deleted, so it can't be a foreign key.
    Column("created_by", Id, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

_EDGE = record_of(LineageEdge, lineage)
_INSERT = insert(lineage)
_DELETE = delete(lineage).where(
    lineage.c.mechanism_id == bindparam("mechanism_id"),
    lineage.c.source_id == bindparam("source_id"),
    lineage.c.kind == bindparam("kind"),
)


def _edges_at(end: Column[Any]) -> Select[Any]:
    return (
        select(lineage)
        .where(IsAmong(end, bindparam("ids", type_=IdList())))
        .order_by(lineage.c.mechanism_id, lineage.c.source_id, lineage.c.kind)
        .limit(bindparam("limit"))
    )


_SOURCES = _edges_at(lineage.c.mechanism_id)
_DERIVED = _edges_at(lineage.c.source_id)


class SqlLineageRepository(LineageRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def lock(self) -> None:
        await self._statements.advisory_lock("lineage")

    async def add(self, edge: LineageEdge) -> None:
        try:
            await self._statements.change(_INSERT, _EDGE.values(edge))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise LineageExists() from problem

    async def delete(self, mechanism_id: MechanismId, source_id: MechanismId, kind: LineageKind) -> bool:
        same = {"mechanism_id": mechanism_id, "source_id": source_id, "kind": kind}
        return await self._statements.change(_DELETE, same) == 1

    async def find_sources(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        rows = await self._statements.rows(_SOURCES, {"ids": list(ids), "limit": limit})
        return [_EDGE.value(row) for row in rows]

    async def find_derived(self, ids: Sequence[MechanismId], *, limit: int) -> Sequence[LineageEdge]:
        rows = await self._statements.rows(_DERIVED, {"ids": list(ids), "limit": limit})
        return [_EDGE.value(row) for row in rows]
