"""Notifications in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Table,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from mechshare.adapters.persistence.sql.notifications.digests import (
    COUNT_DIGESTED,
    DELETE_EMPTY,
    is_unread_digest,
)
from mechshare.adapters.persistence.sql.notifications.mutes import notification_mutes
from mechshare.adapters.persistence.sql.notifications.rows import (
    IS_UNREAD,
    NOTIFICATION,
    WITH_ACTOR,
    notification_with_actor,
    notifications,
)
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms, users
from mechshare.adapters.persistence.sql.types import UtcTime
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.notifications import (
    DIGESTED,
    Notification,
    NotificationId,
    NotificationKind,
    NotificationWithActor,
)
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.notifications import (
    NotificationRepository,
)


def _new(name: str) -> ColumnElement[Any]:
    """Returns the parameter for a column, with its type: PostgreSQL takes that of a parameter from its place."""
    type = notifications.c[name].type
    return cast(bindparam(f"new_{name}", type_=type), type)


_NEW = {name: _new(name) for name in NOTIFICATION.columns}


def _is_there(table: Table, id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the row with this identifier exists, or the identifier is None.

    Locks the row as a foreign key does: with stronger locks, two people who notify each other would wait for each
    other. Without any, the insertion would wait for, and then lack, a person whose account is being deleted.
    """
    row = select(table.c.id).where(table.c.id == id).with_for_update(read=True, key_share=True)
    return or_(id.is_(None), row.exists())


_MUTES_OF_IT = select(notification_mutes.c.subject).where(
    notification_mutes.c.user_id == _NEW["user_id"],
    or_(
        notification_mutes.c.subject == _NEW["kind"],
        notification_mutes.c.subject == cast(_NEW["mechanism_id"], notification_mutes.c.subject.type),
    ),
)


def _insert(*conditions: ColumnElement[bool]) -> Executable:
    """Inserts a notification unless it is muted, or `conditions` are not true, and returns its identifier."""
    row = select(*_NEW.values()).where(
        ~_MUTES_OF_IT.exists(),
        *conditions,
        _is_there(mechanisms, _NEW["mechanism_id"]),
        _is_there(users, _NEW["user_id"]),
        _is_there(users, _NEW["actor_id"]),
    )
    return insert(notifications).from_select(list(_NEW), row).returning(notifications.c.id)


_INSERT = _insert()
_INSERT_DIGEST = {
    kind: _insert(
        ~select(notifications.c.id)
        .where(is_unread_digest(kind, _NEW["user_id"], _NEW["mechanism_id"]))
        .exists()
    )
    for kind in DIGESTED
}
_OF_USER = notifications.c.user_id == bindparam("of_user")
_NEWEST = paged_query(
    WITH_ACTOR.where(_OF_USER),
    key=notifications.c.created_at,
    id=notifications.c.id,
    descending=True,
    counted=select(notifications.c.id).where(_OF_USER),
)
_NOW: BindParameter[datetime] = bindparam("now", type_=UtcTime())
_READ_ALL = update(notifications).where(_OF_USER, IS_UNREAD).values(read_at=_NOW)
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
        statement = _INSERT_DIGEST.get(notification.kind, _INSERT)
        values = NOTIFICATION.values(notification)
        return (
            await self._statements.row(statement, {f"new_{name}": values[name] for name in _NEW}) is not None
        )

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
        rows = await self._statements.rows(COUNT_DIGESTED, {"ids": list(ids)})
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
        await self._statements.change(DELETE_EMPTY[kind], {"of_user": user_id, "about": mechanism_id})

    async def _lock_digest(
        self, user_id: UserId, kind: NotificationKind, mechanism_id: MechanismId | None
    ) -> None:
        await self._statements.advisory_lock(f"digest of {kind} {user_id} {mechanism_id}")

    async def delete_older(self, before: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_OLDER, {"before": before, "limit": limit})
