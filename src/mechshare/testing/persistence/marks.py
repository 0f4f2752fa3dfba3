"""The contract of likes and bookmarks."""

import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.marks import MAX_COUNTED, Mark, MarkKind, Marks
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, a_user, new_id, save_mechanisms, save_user


def a_mark(user: User, mechanism: Mechanism, kind: MarkKind = MarkKind.LIKE, hours: int = 0) -> Mark:
    return Mark(
        mechanism_id=mechanism.id, user_id=user.id, kind=kind, created_at=NOW + timedelta(hours=hours)
    )


async def save_marks(database: Database, *marks: Mark) -> None:
    async with database.begin() as tx:
        for mark in marks:
            await tx.marks.add(mark)


async def test_only_the_first_mark_of_a_kind_is_stored(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    async with database.begin() as tx:
        assert await tx.marks.add(a_mark(mika, mechanism))
        assert not await tx.marks.add(a_mark(mika, mechanism, hours=1))
        assert await tx.marks.add(a_mark(mika, mechanism, MarkKind.BOOKMARK))


async def test_a_user_has_one_mark_of_each_kind_on_a_mechanism(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    again = a_mark(mika, mechanism, hours=1)
    bookmark = a_mark(mika, mechanism, MarkKind.BOOKMARK)
    await save_marks(database, a_mark(mika, mechanism), again, bookmark, a_mark(other, mechanism))
    async with database.begin() as tx:
        found = await tx.marks.find_marks(mechanism.id, mika.id)
        assert found == Marks(likes=2, own=frozenset({MarkKind.LIKE, MarkKind.BOOKMARK}))
        assert await tx.marks.find_marks(mechanism.id, None) == Marks(likes=2, own=frozenset())
        assert await tx.marks.count_of_user(mika.id, MarkKind.LIKE) == 1
        (stored,) = (await tx.marks.find_of_user(mika.id, MarkKind.LIKE, PageRequest())).items
    assert stored.created_at == NOW


async def test_deleting_a_deleted_mark_changes_nothing(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    await save_marks(database, a_mark(mika, mechanism), a_mark(mika, mechanism, MarkKind.BOOKMARK))
    for _ in range(2):
        async with database.begin() as tx:
            await tx.marks.delete(mechanism.id, mika.id, MarkKind.LIKE)
    async with database.read() as tx:
        found = await tx.marks.find_marks(mechanism.id, mika.id)
    assert found == Marks(likes=0, own=frozenset({MarkKind.BOOKMARK}))


async def test_the_marks_of_a_user_are_listed_newest_first(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    mechanisms = await save_mechanisms(database, *(a_mechanism(mika) for _ in range(3)))
    await save_marks(database, *(a_mark(mika, one, hours=n) for n, one in enumerate(mechanisms)))
    await save_marks(database, a_mark(other, mechanisms[0], hours=9))
    async with database.read() as tx:
        first = await tx.marks.find_of_user(mika.id, MarkKind.LIKE, PageRequest(limit=2))
        rest = await tx.marks.find_of_user(mika.id, MarkKind.LIKE, PageRequest(limit=2, after=first.next))
    found = [mark.mechanism_id for mark in (*first.items, *rest.items)]
    assert found == [one.id for one in reversed(mechanisms)]
    assert (first.total, rest.next) == (3, None)


async def test_a_mark_needs_its_mechanism_and_ends_with_it_and_with_the_account(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    mechanism, second = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    absent = Mark(mechanism_id=MechanismId(new_id()), user_id=mika.id, kind=MarkKind.LIKE, created_at=NOW)
    with pytest.raises(MechanismNotFound):
        await save_marks(database, absent)
    await save_marks(database, a_mark(mika, mechanism), a_mark(other, second), a_mark(mika, second))
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
        await tx.users.delete(other.id)
    async with database.read() as tx:
        assert (await tx.marks.find_marks(mechanism.id, None)).likes == 0
        assert (await tx.marks.find_marks(second.id, None)).likes == 1


async def test_the_likes_of_what_very_many_people_like_are_those_of_the_last_count(
    database: Database,
) -> None:
    fans = [a_user() for _ in range(MAX_COUNTED + 1)]
    async with database.begin() as tx:
        for fan in fans:
            await tx.users.save(fan)
    (mechanism,) = await save_mechanisms(database, a_mechanism(fans[0]))
    await save_marks(database, *(a_mark(fan, mechanism) for fan in fans))
    async with database.begin() as tx:
        await tx.counts.recount([mechanism.id])
    newest = await save_user(database)
    await save_marks(database, a_mark(newest, mechanism))
    async with database.read() as tx:
        found = await tx.marks.find_marks(mechanism.id, newest.id)
        assert found.likes in {len(fans), len(fans) + 1}
        assert found.own == frozenset({MarkKind.LIKE})


async def test_concurrent_marks_of_one_user_are_one_and_of_many_are_all_counted(database: Database) -> None:
    users = [await save_user(database) for _ in range(4)]
    (mechanism,) = await save_mechanisms(database, a_mechanism(users[0]))
    async with bounded():
        await asyncio.gather(
            *(save_marks(database, a_mark(user, mechanism)) for user in users for _ in range(3))
        )
    async with database.read() as tx:
        assert (await tx.marks.find_marks(mechanism.id, None)).likes == len(users)
