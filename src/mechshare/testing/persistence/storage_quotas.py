"""The contract suite of databases: storage quotas."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.groups import Group, GroupRole, Membership
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.storage_quotas import Reservation
from mechshare.domain.users import Role, User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.blob_references import a_reference, find_each, save_references
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_user

_SOON = NOW + timedelta(minutes=1)


def a_reservation(user: User, size: int, **changes: object) -> Reservation:
    plain = Reservation(key=f"originals/{new_id()}.gif", user_id=user.id, size=size, expires_at=_SOON)
    return replace(plain, **changes)  # type: ignore[arg-type]


async def save_reservations(database: Database, *reservations: Reservation) -> None:
    async with database.begin() as tx:
        for one in reservations:
            await tx.storage_quotas.reserve(one)


async def bytes_used(database: Database, user: User, *, without: str = "") -> int:
    async with database.read() as tx:
        account = await tx.storage_quotas.find_by_user(user.id, NOW, without=without)
    assert account is not None
    return account.bytes_used


async def test_an_account_has_the_role_and_the_quota_of_its_user(database: Database) -> None:
    admin = await save_user(database, role=Role.ADMIN, quota_bytes=5_000_000_000)
    user = await save_user(database)
    async with database.read() as tx:
        account = await tx.storage_quotas.find_by_user(admin.id, NOW)
        plain = await tx.storage_quotas.find_by_user(user.id, NOW)
        assert await tx.storage_quotas.find_by_user(UserId(new_id()), NOW) is None
    assert account is not None
    assert plain is not None
    assert (account.role, account.quota_bytes, account.bytes_used) == (Role.ADMIN, 5_000_000_000, 0)
    assert (plain.role, plain.quota_bytes, plain.bytes_used) == (Role.USER, None, 0)


async def test_the_largest_quota_of_the_groups_of_a_user_counts(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)

    async def group_quota(user: User) -> int | None:
        async with database.read() as tx:
            account = await tx.storage_quotas.find_by_user(user.id, NOW)
        assert account is not None
        return account.group_quota_bytes

    found = []
    for size in (None, 5_000_000_000, 7, 0):
        async with database.begin() as tx:
            group = Group(
                id=GroupId(new_id()), name="g", created_at=NOW, updated_at=NOW, member_quota_bytes=size
            )
            saved = await tx.groups.save(group)
            assert await tx.groups.find_by_id(saved.id) == saved
            await tx.memberships.put(
                Membership(group_id=saved.id, user_id=mika.id, role=GroupRole.MEMBER, joined_at=NOW)
            )
        found.append(await group_quota(mika))
    assert found == [None, 5_000_000_000, 5_000_000_000, 0]
    assert await group_quota(other) is None


async def test_files_and_reservations_count_for_their_user(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    files = [
        a_reference("originals/a.gif", user_id=mika.id, size=5_000_000_000),
        a_reference("media/a.mp4", user_id=mika.id, size=20),
        a_reference("media/b.mp4", user_id=mika.id, size=None, sha256=None),
        a_reference("originals/c.gif", user_id=other.id, size=400),
        a_reference("originals/d.gif", size=8_000),
    ]
    await save_references(database, files)
    first, second = a_reservation(mika, 3), a_reservation(mika, 5_000_000_000)
    await save_reservations(database, first, second, a_reservation(other, 1))
    assert await bytes_used(database, mika) == 10_000_000_023
    assert await bytes_used(database, mika, without=second.key) == 5_000_000_023
    assert await bytes_used(database, other) == 401


async def test_a_reservation_is_replaced_released_and_ends(database: Database) -> None:
    mika = await save_user(database)
    lasting, released, ended = a_reservation(mika, 1), a_reservation(mika, 10), a_reservation(mika, 100)
    await save_reservations(database, lasting, released, ended)
    await save_reservations(database, replace(lasting, size=2), replace(ended, expires_at=NOW))
    assert await bytes_used(database, mika) == 12
    async with database.begin() as tx:
        await tx.storage_quotas.release([released.key, "originals/without_owner.gif"])
        await tx.storage_quotas.release([])
    assert await bytes_used(database, mika) == 2


async def test_expired_reservations_are_deleted_a_few_at_a_time(database: Database) -> None:
    mika = await save_user(database)
    old = [a_reservation(mika, 1, expires_at=NOW - timedelta(seconds=age)) for age in (1, 2, 3)]
    await save_reservations(database, *old, a_reservation(mika, 7))
    deleted = []
    for _ in range(3):
        async with database.begin() as tx:
            deleted.append(await tx.storage_quotas.delete_expired(NOW, limit=2))
    assert deleted == [2, 1, 0]
    assert await bytes_used(database, mika) == 7


async def test_a_reservation_needs_its_user_and_goes_with_it(database: Database) -> None:
    mika = await save_user(database)
    await save_reservations(database, a_reservation(mika, 7))
    async with database.begin() as tx:
        await tx.users.delete(mika.id)
    with pytest.raises(UserNotFound):
        await save_reservations(database, a_reservation(mika, 7))


async def test_files_without_a_user_are_those_of_the_mechanisms_owner(database: Database) -> None:
    mika = await save_user(database)
    mechanism = a_mechanism(mika)
    async with database.begin() as tx:
        await tx.mechanisms.add([mechanism])
    mine = [a_reference(f"originals/{name}.gif", mechanism.id, size=10) for name in "abc"]
    without_owner = a_reference("originals/d.gif", size=1)
    await save_references(database, [*mine, without_owner])
    adopted = []
    for _ in range(3):
        async with database.begin() as tx:
            adopted.append(await tx.storage_quotas.adopt_files(limit=2))
    assert adopted == [2, 1, 0]
    assert await bytes_used(database, mika) == 30
    assert await find_each(database, without_owner.key) == [without_owner]


async def test_concurrent_reservations_never_exceed_a_limit_together(database: Database) -> None:
    mika = await save_user(database)
    limit, size = 100, 30

    async def try_to_reserve() -> bool:
        async with database.begin() as tx:
            account = await tx.storage_quotas.find_by_user(mika.id, NOW)
            assert account is not None
            if account.bytes_used + size > limit:
                return False
            await tx.storage_quotas.reserve(a_reservation(mika, size))
            return True

    assert sorted(await asyncio.gather(*(try_to_reserve() for _ in range(8)))) == [False] * 5 + [True] * 3
    assert await bytes_used(database, mika) == 90
