"""The contract of repositories of groups and memberships."""

from dataclasses import replace

import pytest

from mechshare.domain.errors import StaleVersion, UserNotFound
from mechshare.domain.groups import Group, GroupNotFound, GroupRole, Membership
from mechshare.domain.ids import GroupId
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_user, new_id, save_user


def a_group(name: str = "歯車研究室") -> Group:
    return Group(id=GroupId(new_id()), name=name, created_at=NOW, updated_at=NOW)


def a_membership(group: Group, user: User, role: GroupRole = GroupRole.MEMBER) -> Membership:
    return Membership(group_id=group.id, user_id=user.id, role=role, joined_at=NOW)


async def save_groups(database: Database, *groups: Group) -> list[Group]:
    async with database.begin() as tx:
        return [await tx.groups.save(group) for group in groups]


async def save_memberships(database: Database, *memberships: Membership) -> None:
    async with database.begin() as tx:
        for membership in memberships:
            await tx.memberships.put(membership)


async def test_a_group_is_found_and_renamed(database: Database) -> None:
    (group,) = await save_groups(database, a_group())
    (renamed,) = await save_groups(database, replace(group, name="カム研究室"))
    async with database.read() as tx:
        assert await tx.groups.find_by_id(group.id) == renamed
        assert await tx.groups.find_by_id(GroupId(new_id())) is None
    with pytest.raises(StaleVersion):
        await save_groups(database, group)


async def test_groups_are_found_by_their_ids_in_the_order_of_their_names(database: Database) -> None:
    b, a, _ = await save_groups(database, a_group("b"), a_group("a"), a_group("c"))
    async with database.read() as tx:
        assert list(await tx.groups.find_by_ids([b.id, a.id, GroupId(new_id())])) == [a, b]
        assert list(await tx.groups.find_by_ids([])) == []


async def test_memberships_are_found_by_group_and_by_user(database: Database) -> None:
    ann, bob = await save_user(database, "ann"), await save_user(database, "bob")
    one, two = await save_groups(database, a_group(), a_group())
    maintainer = a_membership(one, bob, GroupRole.MAINTAINER)
    await save_memberships(database, a_membership(one, bob), maintainer, a_membership(one, ann))
    await save_memberships(database, a_membership(two, bob))
    async with database.read() as tx:
        assert await tx.memberships.find(one.id, bob.id) == maintainer
        assert await tx.memberships.find(two.id, ann.id) is None
        members = await tx.memberships.find_members(one.id)
        of_bob = await tx.memberships.find_of_user(bob.id)
    assert [(member.username, member.membership.role) for member in members] == [
        ("ann", GroupRole.MEMBER),
        ("bob", GroupRole.MAINTAINER),
    ]
    assert [membership.group_id for membership in of_bob] == sorted([one.id, two.id])


async def test_a_membership_needs_a_group_and_a_user(database: Database) -> None:
    user = await save_user(database)
    (group,) = await save_groups(database, a_group())
    with pytest.raises(GroupNotFound):
        await save_memberships(database, a_membership(a_group(), user))
    with pytest.raises(UserNotFound):
        await save_memberships(database, a_membership(group, a_user()))


async def test_a_membership_ends_by_itself_with_its_user_and_with_its_group(database: Database) -> None:
    users = [await save_user(database) for _ in range(3)]
    (group,) = await save_groups(database, a_group())
    await save_memberships(database, *(a_membership(group, user) for user in users))
    async with database.begin() as tx:
        assert await tx.memberships.delete(group.id, users[0].id)
        assert not await tx.memberships.delete(group.id, users[0].id)
        await tx.users.delete(users[1].id)
    async with database.read() as tx:
        members = await tx.memberships.find_members(group.id)
    assert [member.membership.user_id for member in members] == [users[2].id]
    async with database.begin() as tx:
        await tx.groups.delete(group.id)
    async with database.read() as tx:
        assert list(await tx.memberships.find_of_user(users[2].id)) == []
