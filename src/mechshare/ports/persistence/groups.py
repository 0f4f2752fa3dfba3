"""Groups and their members."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.groups import Group, Member, Membership
from mechshare.domain.ids import GroupId, UserId


class GroupRepository(Protocol):
    async def find_by_id(self, id: GroupId) -> Group | None: ...

    async def find_by_ids(self, ids: Sequence[GroupId]) -> Sequence[Group]:
        """Returns the existing ones, at most 1,000, ordered by name and id."""

    async def save(self, group: Group) -> Group:
        """Stores the group and returns it with its new version; version 0 marks a new one. Raises StaleVersion."""

    async def delete(self, id: GroupId) -> None:
        """Deletes the group with its memberships."""


class MembershipRepository(Protocol):
    async def find(self, group_id: GroupId, user_id: UserId) -> Membership | None: ...

    async def find_members(self, group_id: GroupId) -> Sequence[Member]:
        """Returns the members, ordered by user name."""

    async def find_of_user(self, user_id: UserId) -> Sequence[Membership]:
        """Returns the memberships of the user, ordered by group."""

    async def put(self, membership: Membership) -> None:
        """Stores the membership; replaces one of the same user. Raises GroupNotFound, UserNotFound."""

    async def delete(self, group_id: GroupId, user_id: UserId) -> bool:
        """Returns whether the user belonged to the group."""
