"""The table of notifications, and what its rows are."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, select, text

from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.mechanisms import Author
from mechshare.domain.notifications import Notification, NotificationWithActor

_UNREAD = text("read_at IS NULL")
_BY_SOMEBODY = text("actor_id IS NOT NULL")
_UNREAD_FOLLOWS = text("kind = 'follow' AND read_at IS NULL")

notifications = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE")),
    Column("actor_id", Id, ForeignKey("users.id", ondelete="CASCADE")),
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
    Index("ix_notifications_actor_id", "actor_id", sqlite_where=_BY_SOMEBODY, postgresql_where=_BY_SOMEBODY),
    Index(
        "ix_notifications_unread_follows",
        "user_id",
        sqlite_where=_UNREAD_FOLLOWS,
        postgresql_where=_UNREAD_FOLLOWS,
    ),
)
NOTIFICATION = record_of(Notification, notifications)
COLUMNS = tuple(notifications.c[name] for name in NOTIFICATION.columns)
IS_UNREAD = notifications.c.read_at.is_(None)
WITH_ACTOR = select(*COLUMNS, users.c.username, users.c.display_name).outerjoin(
    users, users.c.id == notifications.c.actor_id
)
NOTIFICATION_BY_ID = WITH_ACTOR.where(notifications.c.id == bindparam("id"))


def notification_with_actor(row: Any) -> NotificationWithActor:
    *own, username, display_name = row
    notification = NOTIFICATION.value(own)
    if notification.actor_id is None:
        return NotificationWithActor(notification=notification, actor=None)
    actor = Author(id=notification.actor_id, username=username, display_name=display_name)
    return NotificationWithActor(notification=notification, actor=actor)
