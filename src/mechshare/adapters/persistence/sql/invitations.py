"""Invitations in SQL."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer, String, Table, bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import Invitation
from mechshare.ports.persistence.invitations import InvitationRepository

invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("note", String(80), nullable=False),
    Column("created_by", Id, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("max_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
)

_INVITATION = record_of(Invitation, invitations)
_INSERT = insert(invitations)
_BY_HASH = select(invitations).where(invitations.c.hash == bindparam("same_hash"))
_ALL = select(invitations).order_by(invitations.c.created_at.desc(), invitations.c.id.desc())
_USE = (
    update(invitations)
    .where(
        invitations.c.hash == bindparam("same_hash"),
        invitations.c.expires_at > bindparam("now", type_=UtcTime),
        invitations.c.uses < invitations.c.max_uses,
    )
    .values(uses=invitations.c.uses + 1)
)
_DELETE = delete(invitations).where(invitations.c.id == bindparam("id"))
_DELETE_EXPIRED = delete(invitations).where(
    invitations.c.id.in_(
        select(invitations.c.id)
        .where(invitations.c.expires_at < bindparam("before", type_=UtcTime))
        .order_by(invitations.c.expires_at)
        .limit(bindparam("limit"))
    )
)


class SqlInvitationRepository(InvitationRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, invitation: Invitation) -> None:
        try:
            await self._statements.change(_INSERT, _INVITATION.values(invitation))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_hash(self, hash: str) -> Invitation | None:
        row = await self._statements.row(_BY_HASH, {"same_hash": hash})
        return _INVITATION.value(row) if row else None

    async def find_all(self) -> tuple[Invitation, ...]:
        return tuple(map(_INVITATION.value, await self._statements.rows(_ALL, {})))

    async def use(self, hash: str, now: datetime) -> Invitation | None:
        used = await self._statements.change(_USE, {"same_hash": hash, "now": now})
        return await self.find_by_hash(hash) if used else None

    async def delete(self, id: InvitationId) -> bool:
        return bool(await self._statements.change(_DELETE, {"id": id}))

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_EXPIRED, {"before": before, "limit": limit})
