"""Likes and bookmarks in SQL."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, case, delete, func, select, text

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms, metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MAX_COUNTED, Mark, MarkKind, Marks
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
    Index("ix_marks_of_mechanism", "mechanism_id", "kind", "created_at", "user_id"),
)

_MARK = record_of(Mark, marks)
# Two transactions that add the same mark wait for each other.
_INSERT = text(
    "INSERT INTO marks (mechanism_id, user_id, kind, created_at) VALUES (:mechanism_id, :user_id, :kind, :created_at)"
    " ON CONFLICT (mechanism_id, user_id, kind) DO NOTHING"
).bindparams(*(bindparam(column.name, type_=column.type) for column in marks.columns))
_OF_KIND = marks.c.kind == bindparam("kind")
_ON_MECHANISM = marks.c.mechanism_id == bindparam("mechanism_id")
_BY_USER = marks.c.user_id == bindparam("user_id")
_DELETE = delete(marks).where(_ON_MECHANISM, _BY_USER, _OF_KIND)
_COUNT_OF_USER = select(func.count()).select_from(marks).where(_BY_USER, _OF_KIND)
_SOME = (
    select(marks.c.user_id).where(_ON_MECHANISM, marks.c.kind == MarkKind.LIKE.value).limit(MAX_COUNTED + 1)
)
_COUNTED = select(func.count().label("likes")).select_from(_SOME.subquery()).subquery()
_STORED_LIKES = (
    select(mechanisms.c.likes).where(mechanisms.c.id == bindparam("mechanism_id")).scalar_subquery()
)
_LIKES_AND_OWN = select(
    case((_COUNTED.c.likes > MAX_COUNTED, _STORED_LIKES), else_=_COUNTED.c.likes),
    *(
        select(marks.c.kind).where(_ON_MECHANISM, _BY_USER, marks.c.kind == kind.value).exists()
        for kind in MarkKind
    ),
)
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

    async def add(self, mark: Mark) -> bool:
        try:
            return await self._statements.change(_INSERT, _MARK.values(mark)) == 1
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId, user_id: UserId, kind: MarkKind) -> None:
        same = {"mechanism_id": mechanism_id, "user_id": user_id, "kind": kind}
        await self._statements.change(_DELETE, same)

    async def find_marks(self, mechanism_id: MechanismId, user_id: UserId | None) -> Marks:
        found = {"mechanism_id": mechanism_id, "user_id": user_id}
        likes, *own = await self._statements.row(_LIKES_AND_OWN, found)
        return Marks(
            likes=likes, own=frozenset(kind for kind, is_own in zip(MarkKind, own, strict=True) if is_own)
        )

    async def count_of_user(self, user_id: UserId, kind: MarkKind) -> int:
        await self._statements.advisory_lock(f"marks of {user_id}")
        return int((await self._statements.row(_COUNT_OF_USER, {"user_id": user_id, "kind": kind}))[0])

    async def find_of_user(self, user_id: UserId, kind: MarkKind, request: PageRequest) -> Page[Mark]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=_MARK.value,
            position=lambda mark: Position(key=mark.created_at, id=mark.mechanism_id),
            parameters={"user_id": user_id, "kind": kind},
        )
