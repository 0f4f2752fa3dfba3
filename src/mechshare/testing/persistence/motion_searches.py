"""The contract suite of databases: searches by motion."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import MotionSearchId, UserId
from mechshare.domain.media import FailureCode, MediaFormat, ProcessingFailure
from mechshare.domain.motion import Motion, MotionAnalysis, MotionKind
from mechshare.domain.motion_searches import MotionSearch
from mechshare.domain.originals import OriginalFile
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_user, new_id, save_user


def a_search(user: User, **changes: object) -> MotionSearch:
    id = new_id()
    clip = OriginalFile(
        key=f"originals/{id}.gif", format=MediaFormat.GIF, size=7, sha256="0" * 64, name="歯車.gif"
    )
    plain = MotionSearch(
        id=MotionSearchId(id),
        user_id=user.id,
        clip=clip,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=1),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def save_searches(database: Database, *searches: MotionSearch) -> None:
    async with database.begin() as tx:
        for one in searches:
            await tx.motion_searches.add(one)


async def test_a_search_is_read_as_it_was_stored(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    first, second = a_search(mika), a_search(other)
    await save_searches(database, first, second)
    found = MotionAnalysis(motion=Motion(kind=MotionKind.LOOP, period=2.4), vector=bytes(range(256)))
    analysed = first.analysed(found)
    failed = second.failed(ProcessingFailure(code=FailureCode.TOO_LONG, detail="130 s"))
    async with database.begin() as tx:
        assert await tx.motion_searches.find_by_id(first.id) == first
        await tx.motion_searches.save(analysed)
        await tx.motion_searches.save(failed)
    async with database.read() as tx:
        assert await tx.motion_searches.find_by_id(first.id) == analysed
        assert await tx.motion_searches.find_by_id(second.id) == failed
        assert await tx.motion_searches.find_by_id(MotionSearchId(new_id())) is None


async def test_a_search_needs_its_user_and_ends_with_it(database: Database) -> None:
    with pytest.raises(UserNotFound):
        await save_searches(database, a_search(replace(a_user(), id=UserId(new_id()))))
    mika = await save_user(database)
    search = a_search(mika)
    await save_searches(database, search)
    async with database.begin() as tx:
        await tx.users.delete(mika.id)
        await tx.motion_searches.save(search)
    async with database.read() as tx:
        assert await tx.motion_searches.find_by_id(search.id) is None


async def test_expired_searches_are_deleted(database: Database) -> None:
    mika = await save_user(database)
    old = [a_search(mika, expires_at=NOW - timedelta(seconds=age)) for age in (1, 2, 3)]
    current = a_search(mika)
    await save_searches(database, current, *old)
    async with database.begin() as tx:
        assert await tx.motion_searches.delete_expired(NOW, limit=2) == 2
        assert await tx.motion_searches.delete_expired(NOW, limit=2) == 1
        assert await tx.motion_searches.find_by_id(current.id) == current
