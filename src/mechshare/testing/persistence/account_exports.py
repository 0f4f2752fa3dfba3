"""The contract suite of databases: exports of accounts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.account_exports import AccountExport
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import AccountExportId, UserId
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_user, new_id, save_user


def _export(user: User, **changes: object) -> AccountExport:
    plain = AccountExport(
        id=AccountExportId(new_id()), user_id=user.id, created_at=NOW, expires_at=NOW + timedelta(minutes=1)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_a_user_has_only_the_latest_export(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    first, second, theirs = _export(mika), _export(mika), _export(other)
    async with database.begin() as tx:
        for one in (first, theirs, second, second.ready(7)):
            await tx.account_exports.put(one)
    async with database.read() as tx:
        assert await tx.account_exports.find_of_user(mika.id) == second.ready(7)
        assert await tx.account_exports.find_by_id(theirs.id) == theirs
        assert await tx.account_exports.find_by_id(first.id) is None


async def test_an_export_needs_its_user_and_ends_with_it(database: Database) -> None:
    with pytest.raises(UserNotFound):
        async with database.begin() as tx:
            await tx.account_exports.put(_export(replace(a_user(), id=UserId(new_id()))))
    mika = await save_user(database)
    async with database.begin() as tx:
        await tx.account_exports.put(_export(mika))
        await tx.users.delete(mika.id)
        assert await tx.account_exports.find_of_user(mika.id) is None


async def test_expired_exports_are_deleted_some_at_a_time(database: Database) -> None:
    users = [await save_user(database) for _ in range(3)]
    async with database.begin() as tx:
        for user in users[:2]:
            await tx.account_exports.put(_export(user))
        await tx.account_exports.put(_export(users[2], expires_at=NOW + timedelta(days=1)))
    counts = []
    for _ in range(3):
        async with database.begin() as tx:
            counts.append(await tx.account_exports.delete_expired(NOW + timedelta(hours=1), limit=1))
    assert counts == [1, 1, 0]
    async with database.read() as tx:
        assert await tx.account_exports.find_of_user(users[2].id) is not None
