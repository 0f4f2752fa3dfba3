"""Groups and their members in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, IdList, UtcTime, ordered_text
from mechshare.domain.errors import StaleVersion, UserNotFound
from mechshare.domain.groups import Group, GroupNotFound, Member, Membership
from mechshare.domain.ids import GroupId, UserId
from mechshare.ports.persistence.groups import GroupRepository, MembershipRepository

groups = Table(
    "groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", ordered_text(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("member_quota_bytes", BigInteger),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_id", Id, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("joined_at", UtcTime, nullable=False),
)

_GROUP = record_of(Group, groups)
_BY_ID = select(groups).where(groups.c.id == bindparam("id"))
_BY_IDS = (
    select(groups)
    .where(IsAmong(groups.c.id, bindparam("ids", type_=IdList())))
    .order_by(groups.c.name, groups.c.id)
)
_INSERT = insert(groups)
_UPDATE = update(groups).where(
    groups.c.id == bindparam("same_id"), groups.c.version == bindparam("same_version")
)
_DELETE = delete(groups).where(groups.c.id == bindparam("id"))

_MEMBERSHIP = record_of(Membership, memberships)
_IS_SAME = (memberships.c.group_id == bindparam("same_group_id")) & (
    memberships.c.user_id == bindparam("same_user_id")
)
_SAME = select(memberships).where(_IS_SAME)
_MEMBERS = (
    select(*memberships.columns, users.c.username, users.c.display_name)
    .join(users, users.c.id == memberships.c.user_id)
    .where(memberships.c.group_id == bindparam("group_id"))
    .order_by(users.c.username)
)
_OF_USER = (
    select(memberships).where(memberships.c.user_id == bindparam("user_id")).order_by(memberships.c.group_id)
)
_INSERT_MEMBERSHIP = insert(memberships)
_DELETE_MEMBERSHIP = delete(memberships).where(_IS_SAME)


class SqlGroupRepository(GroupRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: GroupId) -> Group | None:
        await self._statements.lock_row(groups.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _GROUP.value(row) if row else None

    async def find_by_ids(self, ids: Sequence[GroupId]) -> Sequence[Group]:
        rows = await self._statements.rows(_BY_IDS, {"ids": list(ids)})
        return [_GROUP.value(row) for row in rows]

    async def save(self, group: Group) -> Group:
        saved = replace(group, version=group.version + 1)
        if group.version == 0:
            try:
                await self._statements.change(_INSERT, _GROUP.values(saved))
            except UniqueViolated as problem:
                raise StaleVersion() from problem
            return saved
        same = {"same_id": group.id, "same_version": group.version}
        if not await self._statements.change(_UPDATE, _GROUP.values(saved) | same):
            raise StaleVersion()
        return saved

    async def delete(self, id: GroupId) -> None:
        await self._statements.change(_DELETE, {"id": id})


class SqlMembershipRepository(MembershipRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, group_id: GroupId, user_id: UserId) -> Membership | None:
        row = await self._statements.row(_SAME, _same(group_id, user_id))
        return _MEMBERSHIP.value(row) if row else None

    async def find_members(self, group_id: GroupId) -> Sequence[Member]:
        rows = await self._statements.rows(_MEMBERS, {"group_id": group_id})
        return [
            Member(membership=_MEMBERSHIP.value(own), username=username, display_name=display_name)
            for *own, username, display_name in rows
        ]

    async def find_of_user(self, user_id: UserId) -> Sequence[Membership]:
        rows = await self._statements.rows(_OF_USER, {"user_id": user_id})
        return [_MEMBERSHIP.value(row) for row in rows]

    async def put(self, membership: Membership) -> None:
        # Looked for first: PostgreSQL runs no statement after one that violates a constraint.
        if await self._statements.row(_BY_ID, {"id": membership.group_id}) is None:
            raise GroupNotFound()
        await self.delete(membership.group_id, membership.user_id)
        try:
            await self._statements.change(_INSERT_MEMBERSHIP, _MEMBERSHIP.values(membership))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def delete(self, group_id: GroupId, user_id: UserId) -> bool:
        return await self._statements.change(_DELETE_MEMBERSHIP, _same(group_id, user_id)) == 1


def _same(group_id: GroupId, user_id: UserId) -> dict[str, str]:
    return {"same_group_id": group_id, "same_user_id": user_id}
