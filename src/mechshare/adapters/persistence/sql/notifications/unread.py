"""Unread notifications in SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, func, select

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.notifications.rows import (
    COLUMNS,
    IS_UNREAD,
    NOTIFICATION,
    notifications,
)
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.ids import UserId
from mechshare.domain.notifications import Notification, UnreadState
from mechshare.ports.persistence.notifications import UnreadNotificationRepository

_NEWEST_UNREAD = (
    select(*COLUMNS)
    .where(notifications.c.user_id == bindparam("of_user"), IS_UNREAD)
    .order_by(notifications.c.created_at.desc(), notifications.c.id.desc())
    .limit(bindparam("limit"))
)
_UNREAD_STATES = (
    select(notifications.c.user_id, func.count(), func.max(notifications.c.created_at))
    .where(IsAmong(notifications.c.user_id, bindparam("ids", type_=IdList())), IS_UNREAD)
    .group_by(notifications.c.user_id)
)


class SqlUnreadNotificationRepository(UnreadNotificationRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_newest(self, user_id: UserId, limit: int) -> Sequence[Notification]:
        rows = await self._statements.rows(_NEWEST_UNREAD, {"of_user": user_id, "limit": limit})
        return [NOTIFICATION.value(row) for row in rows]

    async def find_states(self, user_ids: Sequence[UserId]) -> Mapping[UserId, UnreadState]:
        rows = await self._statements.rows(_UNREAD_STATES, {"ids": list(user_ids)})
        return {UserId(id): UnreadState(count=count, newest_at=newest) for id, count, newest in rows}
