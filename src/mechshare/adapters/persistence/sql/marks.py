"""Likes and bookmarks in SQL."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, delete, func, insert, select

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import Mark, MarkKind
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.marks import MarkRepository

marks = Table(
    "marks",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_marks_of_user", "user_id", "kind", "created_at", "mechanism_id"),
)

_MARK = record_of(Mark, marks)
_INSERT = insert(marks)
_OF_KIND = marks.c.kind == bindparam("kind")
_ON_MECHANISM = marks.c.mechanism_id == bindparam("mechanism_id")
_BY_USER = marks.c.user_id == bindparam("user_id")
_ONE = select(marks.c.kind).where(_ON_MECHANISM, _BY_USER, _OF_KIND)
_DELETE = delete(marks).where(_ON_MECHANISM, _BY_USER, _OF_KIND)
_COUNT = select(func.count()).select_from(marks).where(_ON_MECHANISM, _OF_KIND)
_COUNT_OF_USER = select(func.count()).select_from(marks).where(_BY_USER, _OF_KIND)
_OWN = select(marks.c.kind).where(_ON_MECHANISM, _BY_USER)
_NEWEST = paged_query(
    select(*(marks.c[name] for name in _MARK.columns)).where(_BY_USER, _OF_KIND),
    key=marks.c.created_at,
    id=marks.c.mechanism_id,
    descending=True,
    counted=select(marks.c.mechanism_id).where(_BY_USER, _OF_KIND),
)


class SqlMarkRepository(MarkRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, mark: Mark) -> None:
        await self._statements.advisory_lock(f"marks {mark.mechanism_id} {mark.user_id}")
        same = {"mechanism_id": mark.mechanism_id, "user_id": mark.user_id, "kind": mark.kind}
        if await self._statements.row(_ONE, same):
            return
        try:
            await self._statements.change(_INSERT, _MARK.values(mark))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId, user_id: UserId, kind: MarkKind) -> None:
        same = {"mechanism_id": mechanism_id, "user_id": user_id, "kind": kind}
        await self._statements.change(_DELETE, same)

    async def count(self, mechanism_id: MechanismId, kind: MarkKind) -> int:
        return int((await self._statements.row(_COUNT, {"mechanism_id": mechanism_id, "kind": kind}))[0])

    async def count_of_user(self, user_id: UserId, kind: MarkKind) -> int:
        await self._statements.advisory_lock(f"marks of {user_id}")
        return int((await self._statements.row(_COUNT_OF_USER, {"user_id": user_id, "kind": kind}))[0])

    async def find_own(self, mechanism_id: MechanismId, user_id: UserId) -> frozenset[MarkKind]:
        rows = await self._statements.rows(_OWN, {"mechanism_id": mechanism_id, "user_id": user_id})
        return frozenset(MarkKind(kind) for (kind,) in rows)

    async def find_of_user(self, user_id: UserId, kind: MarkKind, request: PageRequest) -> Page[Mark]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=_MARK.value,
            position=lambda mark: Position(key=mark.created_at, id=mark.mechanism_id),
            parameters={"user_id": user_id, "kind": kind},
        )
