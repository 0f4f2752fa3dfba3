"""What users have muted, in SQL."""

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, String, Table, bindparam, delete, insert, select

from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id
from mechshare.domain.ids import UserId
from mechshare.domain.notifications import Mute
from mechshare.ports.persistence.notifications import NotificationMuteRepository

notification_mutes = Table(
    "notification_mutes",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("subject", String(64), primary_key=True),
)

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
