"""Traffic and counts of mechanisms in SQL."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    ScalarSelect,
    Table,
    bindparam,
    delete,
    func,
    select,
    text,
    union,
    update,
)

from mechshare.adapters.persistence.sql.comments import comments
from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.evidence import claims
from mechshare.adapters.persistence.sql.marks import marks
from mechshare.adapters.persistence.sql.mechanisms.lists import new_since
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, metadata
from mechshare.adapters.persistence.sql.types import Id, IdList, ordered_text
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.statistics import Counts, DailyTraffic, Days, Recounted, Traffic, popularity_of
from mechshare.ports.persistence.statistics import CountRepository, TrafficRepository

daily_traffic = Table(
    "daily_traffic",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    # ISO 8601, which sorts as the days do.
    Column("day", ordered_text(10), primary_key=True),
    Column("views", Integer, nullable=False),
    Column("own_views", Integer, nullable=False),
    Column("downloads", Integer, nullable=False),
    Column("own_downloads", Integer, nullable=False),
)
stale_counts = Table(
    "stale_counts",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
)

_TRAFFIC = ("views", "own_views", "downloads", "own_downloads")
_AMONG = bindparam("ids", type_=IdList())
# In order, so that two transactions never wait for each other's rows.
_LOCK = (
    select(mechanisms.c.id)
    .where(IsAmong(mechanisms.c.id, _AMONG))
    .order_by(mechanisms.c.id)
    .with_for_update(key_share=True)
)
_ADD_TRAFFIC = text(
    "INSERT INTO daily_traffic (mechanism_id, day, views, own_views, downloads, own_downloads)"
    " VALUES (:mechanism_id, :day, :views, :own_views, :downloads, :own_downloads)"
    " ON CONFLICT (mechanism_id, day) DO UPDATE SET views = daily_traffic.views + excluded.views,"
    " own_views = daily_traffic.own_views + excluded.own_views,"
    " downloads = daily_traffic.downloads + excluded.downloads,"
    " own_downloads = daily_traffic.own_downloads + excluded.own_downloads"
).bindparams(bindparam("mechanism_id", type_=Id))
# Writes an existing row too, and so locks it: a recount that deletes it waits for this transaction.
_MARK_STALE = text(
    "INSERT INTO stale_counts (mechanism_id) VALUES (:mechanism_id)"
    " ON CONFLICT (mechanism_id) DO UPDATE SET mechanism_id = excluded.mechanism_id"
).bindparams(bindparam("mechanism_id", type_=Id))
_MARK_STALE_OF = text(
    "INSERT INTO stale_counts (mechanism_id) SELECT mechanism_id FROM marks WHERE user_id = :user_id"
    " UNION SELECT mechanism_id FROM comments WHERE user_id = :user_id"
    " UNION SELECT mechanism_id FROM claims WHERE user_id = :user_id"
    " ON CONFLICT (mechanism_id) DO UPDATE SET mechanism_id = excluded.mechanism_id"
).bindparams(bindparam("user_id", type_=Id))
_OF_USER = bindparam("user_id", type_=Id)
_CONCERNED = union(
    select(mechanisms.c.id).where(mechanisms.c.user_id == _OF_USER),
    *(select(one.c.mechanism_id).where(one.c.user_id == _OF_USER) for one in (marks, comments, claims)),
)
_LOCK_CONCERNED = (
    select(mechanisms.c.id).where(mechanisms.c.id.in_(_CONCERNED)).order_by(mechanisms.c.id).with_for_update()
)
_FIND_STALE = (
    select(stale_counts.c.mechanism_id).order_by(stale_counts.c.mechanism_id).limit(bindparam("limit"))
)
_DELETE_STALE = delete(stale_counts).where(IsAmong(stale_counts.c.mechanism_id, _AMONG))


def _sum_of(name: str) -> ScalarSelect[int]:
    own = select(func.coalesce(func.sum(daily_traffic.c[name]), 0))
    return own.where(daily_traffic.c.mechanism_id == mechanisms.c.id).scalar_subquery()


def _number_of(table: Table, *conditions: Any) -> ScalarSelect[int]:
    own = select(func.count()).select_from(table).where(table.c.mechanism_id == mechanisms.c.id, *conditions)
    return own.scalar_subquery()


_COUNTED: Mapping[str, ScalarSelect[int]] = {
    "likes": _number_of(marks, marks.c.kind == MarkKind.LIKE.value),
    "comments": _number_of(comments, comments.c.deleted_at.is_(None)),
    "evidence": _number_of(claims, claims.c.withdrawn_at.is_(None)),
    "views": _sum_of("views"),
    "downloads": _sum_of("downloads"),
}
_COUNT = select(
    mechanisms.c.id,
    mechanisms.c.user_id,
    mechanisms.c.is_public,
    new_since(mechanisms.c),
    _sum_of("own_views").label("own_views"),
    *(counted.label(name) for name, counted in _COUNTED.items()),
).where(IsAmong(mechanisms.c.id, _AMONG))
_SET = update(mechanisms).where(mechanisms.c.id == bindparam("same_id"))
_PUBLIC_CATEGORIES = (
    select(mechanism_categories.c.category_id)
    .distinct()
    .where(IsAmong(mechanism_categories.c.mechanism_id, _AMONG), mechanism_categories.c.is_published)
)
_BETWEEN = daily_traffic.c.day.between(bindparam("first"), bindparam("last"))
_DAYS = (
    select(daily_traffic.c.day, *(daily_traffic.c[name] for name in _TRAFFIC))
    .where(daily_traffic.c.mechanism_id == bindparam("mechanism_id"), _BETWEEN)
    .order_by(daily_traffic.c.day)
)
_DAYS_OF_USER = (
    select(daily_traffic.c.day, *(func.sum(daily_traffic.c[name]) for name in _TRAFFIC))
    .join(mechanisms, mechanisms.c.id == daily_traffic.c.mechanism_id)
    .where(mechanisms.c.user_id == bindparam("user_id"), _BETWEEN)
    .group_by(daily_traffic.c.day)
    .order_by(daily_traffic.c.day)
)
_TOTALS = ("likes", "comments", "views", "downloads", "evidence")
_FIND = select(mechanisms.c.id, *(mechanisms.c[name] for name in (*_TOTALS, "popularity"))).where(
    IsAmong(mechanisms.c.id, _AMONG)
)
_FIND_TOTALS = select(*(func.coalesce(func.sum(mechanisms.c[name]), 0) for name in _TOTALS)).where(
    mechanisms.c.user_id == bindparam("user_id")
)


class SqlTrafficRepository(TrafficRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, traffic: Sequence[DailyTraffic]) -> None:
        existing = set(await _locked(self._statements, {one.mechanism_id for one in traffic}))
        rows = [
            {**{name: getattr(one, name) for name in _TRAFFIC}, "day": one.day.isoformat()}
            | {"mechanism_id": one.mechanism_id}
            for one in traffic
            if one.mechanism_id in existing
        ]
        if rows:
            await self._statements.change(_ADD_TRAFFIC, rows)

    async def find_days(self, mechanism_id: MechanismId, days: Days) -> Sequence[Traffic]:
        rows = await self._statements.rows(_DAYS, _bounds(days) | {"mechanism_id": mechanism_id})
        return [_traffic(*row) for row in rows]

    async def find_days_of_user(self, user_id: UserId, days: Days) -> Sequence[Traffic]:
        rows = await self._statements.rows(_DAYS_OF_USER, _bounds(days) | {"user_id": user_id})
        return [_traffic(*row) for row in rows]


class SqlCountRepository(CountRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def mark_stale(self, mechanism_id: MechanismId) -> None:
        await self._statements.change(_MARK_STALE, {"mechanism_id": mechanism_id})

    async def mark_stale_of(self, user_id: UserId) -> None:
        await self._statements.rows(_LOCK_CONCERNED, {"user_id": user_id})
        await self._statements.change(_MARK_STALE_OF, {"user_id": user_id})

    async def find_stale(self, limit: int) -> Sequence[MechanismId]:
        return [MechanismId(id) for (id,) in await self._statements.rows(_FIND_STALE, {"limit": limit})]

    async def recount(self, ids: Sequence[MechanismId]) -> Recounted:
        existing = await _locked(self._statements, set(ids))
        # First, and by a statement of its own: it waits for those who change what is counted, whose rows the next one
        # then sees.
        await self._statements.change(_DELETE_STALE, {"ids": existing})
        rows = await self._statements.rows(_COUNT, {"ids": existing})
        if rows:
            await self._statements.change(_SET, [_counted(id, *counted) for id, _, _, *counted in rows])
        categories = await self._statements.rows(_PUBLIC_CATEGORIES, {"ids": existing})
        return Recounted(
            ids=existing,
            categories={CategoryId(id) for (id,) in categories},
            users={UserId(user_id) for _, user_id, is_public, *_ in rows if is_public},
        )

    async def find(self, ids: Sequence[MechanismId]) -> Mapping[MechanismId, Counts]:
        rows = await self._statements.rows(_FIND, {"ids": ids})
        return {MechanismId(id): Counts(*counts) for id, *counts in rows}

    async def find_totals(self, user_id: UserId) -> Counts:
        sums = await self._statements.row(_FIND_TOTALS, {"user_id": user_id})
        return Counts(**dict(zip(_TOTALS, map(int, sums), strict=True)))


async def _locked(statements: Statements, ids: set[MechanismId]) -> list[MechanismId]:
    """Locks these mechanisms; returns those that exist."""
    return [MechanismId(id) for (id,) in await statements.rows(_LOCK, {"ids": list(ids)})]


def _counted(id: str, since: Any, own_views: int, *numbers: int) -> dict[str, Any]:
    """Returns the parameters of _SET for a row of _COUNT."""
    values = dict(zip(_COUNTED, map(int, numbers), strict=True))
    popularity = popularity_of(Counts(**values), int(own_views), since)
    return {**values, "popularity": popularity, "same_id": id}


def _bounds(days: Days) -> dict[str, Any]:
    return {"first": days.first.isoformat(), "last": days.last.isoformat()}


def _traffic(day: str, *numbers: int) -> Traffic:
    return Traffic(day=date.fromisoformat(day), **dict(zip(_TRAFFIC, map(int, numbers), strict=True)))
