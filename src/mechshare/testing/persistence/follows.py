"""The contract of follows."""

import asyncio

import pytest

from mechshare.domain.categories import Category
from mechshare.domain.errors import CategoryNotFound, UserNotFound
from mechshare.domain.follows import FollowedCategory, FollowedUser, Interests
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanisms import author_of
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user

CAMS = CategoryId("cams")


async def save_category(database: Database) -> None:
    category = Category(id=CAMS, name_en="Cams", name_ja="カム", created_at=NOW, updated_at=NOW)
    async with database.begin() as tx:
        await tx.categories.save(category)


async def follow(database: Database, follower: User, followed: User) -> None:
    async with database.begin() as tx:
        await tx.follows.follow_user(FollowedUser(follower_id=follower.id, user_id=followed.id, since=NOW))


async def follow_cams(database: Database, follower: User) -> None:
    async with database.begin() as tx:
        await tx.follows.follow_category(
            FollowedCategory(follower_id=follower.id, category_id=CAMS, since=NOW)
        )


async def interests_of(database: Database, user: User) -> Interests:
    async with database.read() as tx:
        return await tx.follows.find_interests(user.id)


async def test_a_follow_is_stored_once_until_it_ends(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    await save_category(database)
    async with bounded():
        await asyncio.gather(*(follow(database, mika, ana) for _ in range(3)))
    for _ in range(2):
        await follow_cams(database, mika)
    assert await interests_of(database, mika) == Interests(user_ids=(ana.id,), category_ids=(CAMS,))
    assert await interests_of(database, ana) == Interests()
    async with database.begin() as tx:
        assert await tx.follows.find_followed(mika.id) == [author_of(ana)]
        for _ in range(2):
            await tx.follows.unfollow_user(mika.id, ana.id)
            await tx.follows.unfollow_category(mika.id, CAMS)
    assert await interests_of(database, mika) == Interests()


async def test_a_follow_needs_an_existing_user_or_category(database: Database) -> None:
    mika = await save_user(database)
    absent = FollowedUser(follower_id=mika.id, user_id=UserId(new_id()), since=NOW)
    with pytest.raises(UserNotFound):
        async with database.begin() as tx:
            await tx.follows.follow_user(absent)
    with pytest.raises(CategoryNotFound):
        await follow_cams(database, mika)


async def test_follows_end_with_either_account_and_with_the_category(database: Database) -> None:
    mika, ana, gone = [await save_user(database) for _ in range(3)]
    await save_category(database)
    for follower, followed in ((mika, ana), (mika, gone), (gone, mika)):
        await follow(database, follower, followed)
    await follow_cams(database, mika)
    async with database.begin() as tx:
        await tx.users.delete(gone.id)
        await tx.categories.delete(CAMS)
    assert await interests_of(database, mika) == Interests(user_ids=(ana.id,))


async def test_a_list_is_narrowed_by_interests(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    await save_category(database)
    of_ana, of_cams, both, _, _ = await save_mechanisms(
        database,
        a_mechanism(ana, is_published=True),
        a_mechanism(mika, is_published=True, categories=(CAMS,)),
        a_mechanism(ana, is_published=True, categories=(CAMS,)),
        a_mechanism(mika, is_published=True),
        a_mechanism(ana, is_published=False),
    )
    found = {}
    for name, interests in (
        ("both", Interests(user_ids=(ana.id,), category_ids=(CAMS,))),
        ("users", Interests(user_ids=(ana.id,))),
        ("none", Interests()),
    ):
        async with database.read() as tx:
            filter = MechanismFilter(interests=interests)
            page = await tx.mechanisms.find_all(PageRequest(), filter)
            assert page.total == len(page.items)
        found[name] = {item.mechanism.id for item in page.items}
    assert found == {
        "both": {of_ana.id, of_cams.id, both.id},
        "users": {of_ana.id, both.id},
        "none": set(),
    }


async def test_followers_of_a_category_move_to_another_once(database: Database) -> None:
    mika, ana, ren = [await save_user(database) for _ in range(3)]
    await save_category(database)
    gears = CategoryId("gears")
    async with database.begin() as tx:
        await tx.categories.save(
            Category(id=gears, name_en="Gears", name_ja="歯車", created_at=NOW, updated_at=NOW)
        )
        await tx.follows.follow_category(FollowedCategory(follower_id=ana.id, category_id=gears, since=NOW))
    for follower in (mika, ana):
        await follow_cams(database, follower)
    async with database.begin() as tx:
        await tx.follows.move_category(CAMS, gears)
    for follower in (mika, ana):
        assert await interests_of(database, follower) == Interests(category_ids=(gears,))
    assert await interests_of(database, ren) == Interests()
