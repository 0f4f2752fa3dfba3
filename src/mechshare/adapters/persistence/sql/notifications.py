"""Notifications in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    union_all,
    update,
)

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.follows import followed_users
from mechshare.adapters.persistence.sql.marks import marks
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms, metadata, users
from mechshare.adapters.persistence.sql.types import Id, IdList, UtcTime
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.mechanisms import Author
from mechshare.domain.notifications import (
    DIGESTED,
    Mute,
    Notification,
    NotificationId,
    NotificationKind,
    NotificationWithActor,
    UnreadState,
)
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.notifications import (
    NotificationMuteRepository,
    NotificationRepository,
    UnreadNotificationRepository,
)

_UNREAD = text("read_at IS NULL")

notifications = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE")),
    Column("actor_id", Id, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("subject", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False, index=True),
    Column("read_at", UtcTime),
    Index("ix_notifications_of_user", "user_id", "created_at", "id"),
    Index("ix_notifications_about", "mechanism_id", "subject"),
    Index(
        "ix_notifications_unread",
        "user_id",
        "created_at",
        "id",
        sqlite_where=_UNREAD,
        postgresql_where=_UNREAD,
    ),
)
notification_mutes = Table(
    "notification_mutes",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("subject", String(64), primary_key=True),
)

_NOTIFICATION = record_of(Notification, notifications)


def _new(name: str) -> ColumnElement[Any]:
    """Returns the parameter for a column, with its type: PostgreSQL takes that of a parameter from its place."""
    type = notifications.c[name].type
    return cast(bindparam(f"new_{name}", type_=type), type)


_NEW = {name: _new(name) for name in _NOTIFICATION.columns}


def _is_there(table: Table, id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the row with this identifier exists, or the identifier is None.

    Locks the row as a foreign key does: with stronger locks, two people who notify each other would wait for each
    other. Without any, the insertion would wait for, and then lack, a person whose account is being deleted.
    """
    row = select(table.c.id).where(table.c.id == id).with_for_update(read=True, key_share=True)
    return or_(id.is_(None), row.exists())


_UNREAD_DIGEST = select(notifications.c.id).where(
    notifications.c.user_id == _NEW["user_id"],
    notifications.c.read_at.is_(None),
    notifications.c.kind == _NEW["kind"],
    notifications.c.mechanism_id.is_not_distinct_from(_NEW["mechanism_id"]),
)
_MUTES_OF_IT = select(notification_mutes.c.subject).where(
    notification_mutes.c.user_id == _NEW["user_id"],
    or_(
        notification_mutes.c.subject == _NEW["kind"],
        notification_mutes.c.subject == cast(_NEW["mechanism_id"], notification_mutes.c.subject.type),
    ),
)
_INSERT = (
    insert(notifications)
    .from_select(
        list(_NEW),
        select(*_NEW.values()).where(
            ~_MUTES_OF_IT.exists(),
            or_(_NEW["kind"].not_in(sorted(DIGESTED)), ~_UNREAD_DIGEST.exists()),
            _is_there(mechanisms, _NEW["mechanism_id"]),
            _is_there(users, _NEW["user_id"]),
            _is_there(users, _NEW["actor_id"]),
        ),
    )
    .returning(notifications.c.id)
)
_COLUMNS = tuple(notifications.c[name] for name in _NOTIFICATION.columns)
_OF_USER = notifications.c.user_id == bindparam("of_user")
_IS_UNREAD = notifications.c.read_at.is_(None)
_WITH_ACTOR = select(*_COLUMNS, users.c.username, users.c.display_name).outerjoin(
    users, users.c.id == notifications.c.actor_id
)
NOTIFICATION_BY_ID = _WITH_ACTOR.where(notifications.c.id == bindparam("id"))
_NEWEST = paged_query(
    _WITH_ACTOR.where(_OF_USER),
    key=notifications.c.created_at,
    id=notifications.c.id,
    descending=True,
    counted=select(notifications.c.id).where(_OF_USER),
)
_NEWEST_UNREAD = (
    select(*_COLUMNS)
    .where(_OF_USER, _IS_UNREAD)
    .order_by(notifications.c.created_at.desc(), notifications.c.id.desc())
    .limit(bindparam("limit"))
)
_UNREAD_STATES = (
    select(notifications.c.user_id, func.count(), func.max(notifications.c.created_at))
    .where(IsAmong(notifications.c.user_id, bindparam("ids", type_=IdList())), _IS_UNREAD)
    .group_by(notifications.c.user_id)
)


def _digested(by: Column[str], at: Column[datetime], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row belongs to a digest: others than its receiver made it (`by`) from its time until it was read
    (`at`)."""
    return and_(
        *conditions,
        by != notifications.c.user_id,
        at >= notifications.c.created_at,
        or_(_IS_UNREAD, at <= notifications.c.read_at),
    )


_DIGESTED_ROWS = {
    NotificationKind.LIKE: (
        marks,
        _digested(
            marks.c.user_id,
            marks.c.created_at,
            marks.c.mechanism_id == notifications.c.mechanism_id,
            marks.c.kind == MarkKind.LIKE.value,
        ),
    ),
    NotificationKind.FOLLOW: (
        followed_users,
        _digested(
            followed_users.c.follower_id,
            followed_users.c.since,
            followed_users.c.user_id == notifications.c.user_id,
        ),
    ),
}
"""By kind, the table of the rows that a digest counts, and whether a row belongs to it."""
_DIGESTED = union_all(
    *(
        select(notifications.c.id, func.count())
        .join(table, belongs)
        .where(
            IsAmong(notifications.c.id, bindparam("ids", type_=IdList())),
            notifications.c.kind == kind.value,
        )
        .group_by(notifications.c.id)
        for kind, (table, belongs) in _DIGESTED_ROWS.items()
    )
)
_DELETE_EMPTY = {
    kind: delete(notifications).where(
        _OF_USER,
        _IS_UNREAD,
        notifications.c.kind == kind.value,
        notifications.c.mechanism_id.is_not_distinct_from(bindparam("about", type_=notifications.c.id.type)),
        ~select(table).where(belongs).exists(),
    )
    for kind, (table, belongs) in _DIGESTED_ROWS.items()
}
_NOW: BindParameter[datetime] = bindparam("now", type_=UtcTime())
_READ_ALL = update(notifications).where(_OF_USER, _IS_UNREAD).values(read_at=_NOW)
_READ_ONE = (
    update(notifications)
    .where(_OF_USER, notifications.c.id == bindparam("one"))
    .values(read_at=func.coalesce(notifications.c.read_at, _NOW))
)
_DELETE_ABOUT = delete(notifications).where(
    notifications.c.mechanism_id == bindparam("about"), notifications.c.subject == bindparam("about_subject")
)
_DELETE_OLDER = delete(notifications).where(
    notifications.c.id.in_(
        select(notifications.c.id)
        .where(notifications.c.created_at < bindparam("before", type_=UtcTime()))
        .limit(bindparam("limit"))
    )
)


class SqlNotificationRepository(NotificationRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, notification: Notification) -> bool:
        if notification.kind in DIGESTED:
            await self._lock_digest(notification.user_id, notification.kind, notification.mechanism_id)
        values = _NOTIFICATION.values(notification)
        return await self._statements.row(_INSERT, {f"new_{name}": values[name] for name in _NEW}) is not None

    async def find_of_user(self, user_id: UserId, request: PageRequest) -> Page[NotificationWithActor]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=notification_with_actor,
            position=lambda one: Position(key=one.notification.created_at, id=one.notification.id),
            parameters={"of_user": user_id},
        )

    async def count_digested(self, ids: Sequence[NotificationId]) -> Mapping[NotificationId, int]:
        rows = await self._statements.rows(_DIGESTED, {"ids": list(ids)})
        return {NotificationId(id): count for id, count in rows}

    async def mark_read(self, user_id: UserId, id: NotificationId | None, now: datetime) -> int:
        of_user = {"of_user": user_id, "now": now}
        if id is None:
            return await self._statements.change(_READ_ALL, of_user)
        return await self._statements.change(_READ_ONE, {**of_user, "one": id})

    async def delete_about(self, mechanism_id: MechanismId, subject: str) -> None:
        await self._statements.change(_DELETE_ABOUT, {"about": mechanism_id, "about_subject": subject})

    async def delete_empty(
        self, user_id: UserId, kind: NotificationKind, mechanism_id: MechanismId | None = None
    ) -> None:
        await self._lock_digest(user_id, kind, mechanism_id)
        await self._statements.change(_DELETE_EMPTY[kind], {"of_user": user_id, "about": mechanism_id})

    async def _lock_digest(
        self, user_id: UserId, kind: NotificationKind, mechanism_id: MechanismId | None
    ) -> None:
        await self._statements.advisory_lock(f"digest of {kind} {user_id} {mechanism_id}")

    async def delete_older(self, before: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_OLDER, {"before": before, "limit": limit})


class SqlUnreadNotificationRepository(UnreadNotificationRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_newest(self, user_id: UserId, limit: int) -> Sequence[Notification]:
        rows = await self._statements.rows(_NEWEST_UNREAD, {"of_user": user_id, "limit": limit})
        return [_NOTIFICATION.value(row) for row in rows]

    async def find_states(self, user_ids: Sequence[UserId]) -> Mapping[UserId, UnreadState]:
        rows = await self._statements.rows(_UNREAD_STATES, {"ids": list(user_ids)})
        return {UserId(id): UnreadState(count=count, newest_at=newest) for id, count, newest in rows}


_MUTE = record_of(Mute, notification_mutes)
_MUTED_BY = notification_mutes.c.user_id == bindparam("muted_by")
_EXISTING_USER = select(users.c.id).where(users.c.id == bindparam("id"))
_INSERT_MUTE = insert(notification_mutes)
_DELETE_MUTE = delete(notification_mutes).where(_MUTED_BY, notification_mutes.c.subject == bindparam("muted"))
_MUTED = select(notification_mutes.c.subject).where(_MUTED_BY)
_MUTED_AMONG = _MUTED.where(notification_mutes.c.subject.in_(bindparam("subjects", expanding=True)))


class SqlNotificationMuteRepository(NotificationMuteRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def put(self, mute: Mute) -> None:
        await self._statements.lock_row(users.c.id, mute.user_id)
        exists = await self._statements.row(_EXISTING_USER, {"id": mute.user_id})
        if exists is not None and not await self.is_muted(mute.user_id, [mute.subject]):
            await self._statements.change(_INSERT_MUTE, _MUTE.values(mute))

    async def delete(self, mute: Mute) -> None:
        await self._statements.change(_DELETE_MUTE, {"muted_by": mute.user_id, "muted": mute.subject})

    async def find_of_user(self, user_id: UserId) -> frozenset[str]:
        rows = await self._statements.rows(_MUTED, {"muted_by": user_id})
        return frozenset(subject for (subject,) in rows)

    async def is_muted(self, user_id: UserId, subjects: Sequence[str]) -> bool:
        found = {"muted_by": user_id, "subjects": list(subjects)}
        return await self._statements.row(_MUTED_AMONG, found) is not None


def notification_with_actor(row: Any) -> NotificationWithActor:
    *own, username, display_name = row
    notification = _NOTIFICATION.value(own)
    if notification.actor_id is None:
        return NotificationWithActor(notification=notification, actor=None)
    actor = Author(id=notification.actor_id, username=username, display_name=display_name)
    return NotificationWithActor(notification=notification, actor=actor)
