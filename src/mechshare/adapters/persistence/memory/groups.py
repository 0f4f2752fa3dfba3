"""Groups and their members in memory."""

from collections.abc import Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.groups import Group, GroupNotFound, Member, Membership
from mechshare.domain.ids import GroupId, UserId
from mechshare.ports.persistence.groups import GroupRepository, MembershipRepository

GROUPS = Table("groups", Group, id=KEY)
MEMBERSHIPS = Table(
    "memberships",
    Membership,
    group_id=Column(primary_key=True, refers_to=GROUPS, cascades=True),
    user_id=Column(primary_key=True, refers_to=USERS, cascades=True),
)


class MemoryGroupRepository(GroupRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: GroupId) -> Group | None:
        return self._access.read(GROUPS).find(id)

    async def find_by_ids(self, ids: Sequence[GroupId]) -> Sequence[Group]:
        groups = self._access.read(GROUPS)
        found = (group for id in ids if (group := groups.find(id)))
        return sorted(found, key=lambda group: (group.name, group.id))

    async def save(self, group: Group) -> Group:
        return self._access.write(GROUPS).save(group)

    async def delete(self, id: GroupId) -> None:
        self._access.write(GROUPS).delete(id)


class MemoryMembershipRepository(MembershipRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, group_id: GroupId, user_id: UserId) -> Membership | None:
        return self._access.read(MEMBERSHIPS).find(group_id, user_id)

    async def find_members(self, group_id: GroupId) -> Sequence[Member]:
        users = self._access.read(USERS)
        found = [
            Member(membership=one, username=user.username, display_name=user.display_name)
            for one in self._access.read(MEMBERSHIPS)
            if one.group_id == group_id and (user := users.get(one.user_id))
        ]
        return sorted(found, key=lambda member: member.username)

    async def find_of_user(self, user_id: UserId) -> Sequence[Membership]:
        found = (one for one in self._access.read(MEMBERSHIPS) if one.user_id == user_id)
        return sorted(found, key=lambda one: one.group_id)

    async def put(self, membership: Membership) -> None:
        try:
            self._access.write(MEMBERSHIPS).put(membership)
        except ReferenceViolated as problem:
            raise (GroupNotFound() if problem.field == "group_id" else UserNotFound()) from problem

    async def delete(self, group_id: GroupId, user_id: UserId) -> bool:
        is_member = await self.find(group_id, user_id) is not None
        self._access.write(MEMBERSHIPS).delete(group_id, user_id)
        return is_member
