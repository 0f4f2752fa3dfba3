"""Digests: notifications that stand for all likes of a mechanism, or all followers, until they are read."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.follows import followed_users
from mechshare.adapters.persistence.sql.marks import marks
from mechshare.adapters.persistence.sql.notifications.rows import IS_UNREAD, notifications
from mechshare.adapters.persistence.sql.types import IdList, UtcTime
from mechshare.domain.marks import MarkKind
from mechshare.domain.notifications import NotificationKind

_NEVER = datetime.max.replace(tzinfo=UTC)


def is_unread_digest(
    kind: NotificationKind, user_id: ColumnElement[Any], mechanism_id: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a row is the digest of `kind` that its receiver has not read."""
    # A user may have any number of unread notifications: an index finds the one about a mechanism, and another one,
    # to which SQLite compares only literals, that of followers.
    is_about = {
        NotificationKind.LIKE: and_(
            notifications.c.mechanism_id == mechanism_id, notifications.c.subject == ""
        ),
        NotificationKind.FOLLOW: notifications.c.mechanism_id.is_(None),
    }
    return and_(
        notifications.c.user_id == user_id,
        IS_UNREAD,
        notifications.c.kind == literal_column(f"'{kind.value}'"),
        is_about[kind],
    )


def _digested(by: Column[str], at: Column[datetime], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row belongs to a digest: others than its receiver made it (`by`) from its time until it was read
    (`at`)."""
    # A range in an index, also while it has no end: the rows of other digests are not read.
    end = func.coalesce(notifications.c.read_at, literal(_NEVER, UtcTime()))
    return and_(*conditions, by != notifications.c.user_id, at.between(notifications.c.created_at, end))


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
COUNT_DIGESTED = union_all(
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
DELETE_EMPTY = {
    kind: delete(notifications).where(
        is_unread_digest(kind, bindparam("of_user"), bindparam("about", type_=notifications.c.id.type)),
        ~select(table).where(belongs).exists(),
    )
    for kind, (table, belongs) in _DIGESTED_ROWS.items()
}
