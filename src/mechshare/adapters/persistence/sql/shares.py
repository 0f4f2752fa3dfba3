"""Shares in SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, ForeignKey, Index, String, Table, and_, bindparam, delete, insert, or_, select

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.groups import memberships
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, IdList, UtcTime
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.shares import Access, Recipient, Share
from mechshare.ports.persistence.shares import ShareRepository

shares = Table(
    "shares",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("recipient_kind", String(16), primary_key=True),
    # Refers to one of two tables, so it can't be a foreign key.
    Column("recipient_id", Id, primary_key=True),
    Column("access", String(16), nullable=False),
    Column("shared_by", Id, nullable=False),
    Column("shared_at", UtcTime, nullable=False),
    Index("ix_shares_of_recipient", "recipient_id", "recipient_kind", "mechanism_id", "access"),
)

_SHARE = record_of(Share, shares)
_GROUPS_OF_READER = select(memberships.c.group_id).where(memberships.c.user_id == bindparam("reader"))
IS_WITH_READER = or_(
    and_(shares.c.recipient_id == bindparam("reader"), shares.c.recipient_kind == "user"),
    and_(shares.c.recipient_id.in_(_GROUPS_OF_READER), shares.c.recipient_kind == "group"),
)
"""The condition for shares with the user `reader` or with one of their groups."""

_ARE_AMONG = IsAmong(shares.c.mechanism_id, bindparam("ids", type_=IdList()))
_OF_MECHANISMS = (
    select(shares)
    .where(_ARE_AMONG)
    .order_by(shares.c.mechanism_id, shares.c.recipient_kind, shares.c.recipient_id)
)
_ACCESS = select(shares.c.mechanism_id, shares.c.access).where(_ARE_AMONG, IS_WITH_READER)
_INSERT = insert(shares)
_WITH_RECIPIENT = and_(
    shares.c.recipient_id == bindparam("same_recipient_id"),
    shares.c.recipient_kind == bindparam("same_recipient_kind"),
)
_DELETE = delete(shares).where(shares.c.mechanism_id == bindparam("same_mechanism_id"), _WITH_RECIPIENT)
_DELETE_FOR = delete(shares).where(_WITH_RECIPIENT)


class SqlShareRepository(ShareRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_all(self, mechanism_ids: Sequence[MechanismId]) -> Sequence[Share]:
        rows = await self._statements.rows(_OF_MECHANISMS, {"ids": list(mechanism_ids)})
        return [_SHARE.value(row) for row in rows]

    async def find_access(
        self, user_id: UserId, mechanism_ids: Sequence[MechanismId]
    ) -> Mapping[MechanismId, Access]:
        rows = await self._statements.rows(_ACCESS, {"ids": list(mechanism_ids), "reader": user_id})
        found: dict[MechanismId, Access] = {}
        for id, access in rows:
            if found.get(id) is not Access.EDIT:
                found[id] = Access(access)
        return found

    async def put(self, share: Share) -> None:
        await self.delete(share.mechanism_id, share.recipient)
        try:
            await self._statements.change(_INSERT, _SHARE.values(share))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId, recipient: Recipient) -> bool:
        same = {"same_mechanism_id": mechanism_id, **_same(recipient)}
        return await self._statements.change(_DELETE, same) == 1

    async def delete_for(self, recipient: Recipient) -> None:
        await self._statements.change(_DELETE_FOR, _same(recipient))


def _same(recipient: Recipient) -> dict[str, str]:
    return {"same_recipient_id": recipient.id, "same_recipient_kind": recipient.kind.value}
