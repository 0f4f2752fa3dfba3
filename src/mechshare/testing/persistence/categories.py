"""The contract suite of databases: categories."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.categories import CategoryRedirect
from mechshare.domain.errors import CategoryInUse, NameTaken, StaleVersion
from mechshare.domain.ids import CategoryId
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import (
    NOW,
    a_category,
    a_mechanism,
    save_categories,
    save_mechanisms,
    save_user,
)


async def test_a_category_counts_its_published_mechanisms(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    gears = (CategoryId("gears"),)
    await save_mechanisms(
        database, a_mechanism(user, categories=gears), a_mechanism(user, categories=gears, is_published=False)
    )
    async with database.read() as tx:
        counts = {one.category.id: one.mechanism_count for one in await tx.categories.find_counts()}
    assert counts == {"gears": 1, "cams": 0}


async def test_a_category_in_use_is_not_deleted(database: Database) -> None:
    await save_categories(database, "gears")
    user = await save_user(database)
    await save_mechanisms(database, a_mechanism(user, categories=(CategoryId("gears"),), is_published=False))
    with pytest.raises(CategoryInUse):
        async with database.begin() as tx:
            await tx.categories.delete(CategoryId("gears"))


async def test_category_identifiers_are_unique(database: Database) -> None:
    await save_categories(database, "gears")
    with pytest.raises(NameTaken):
        await save_categories(database, "gears")


async def test_categories_are_listed_in_the_order_of_creation(database: Database) -> None:
    second = NOW + timedelta(microseconds=1)
    async with database.begin() as tx:
        for id, at in (("b", second), ("z", NOW), ("a-a", second), ("aa", second)):
            await tx.categories.save(a_category(id, created_at=at))
    async with database.read() as tx:
        found, counts = await tx.categories.find_all(), await tx.categories.find_counts()
    assert [one.id for one in found] == ["z", "a-a", "aa", "b"]
    assert [one.category for one in counts] == list(found)


async def test_a_category_is_renamed_under_its_version(database: Database) -> None:
    await save_categories(database, "gears")
    async with database.begin() as tx:
        found = await tx.categories.find_by_id(CategoryId("gears"))
        assert found is not None
        renamed = await tx.categories.save(replace(found, name_ja="歯車"))
    assert renamed == replace(found, name_ja="歯車", version=2)
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.categories.save(replace(found, name_ja="古い"))
    async with database.read() as tx:
        assert await tx.categories.find_by_id(CategoryId("gears")) == renamed
        assert await tx.categories.find_by_id(CategoryId("no-such")) is None


async def test_counts_follow_publishing_moving_and_deleting(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    user = await save_user(database)
    gears, cams = CategoryId("gears"), CategoryId("cams")
    (stored,) = await save_mechanisms(database, a_mechanism(user, categories=(gears,), is_published=False))

    async def counts() -> list[int]:
        async with database.read() as tx:
            return [one.mechanism_count for one in await tx.categories.find_counts()]

    assert await counts() == [0, 0]
    (stored,) = await save_mechanisms(database, replace(stored, is_published=True))
    assert sorted(await counts()) == [0, 1]
    (stored,) = await save_mechanisms(database, replace(stored, categories=(cams, gears)))
    assert await counts() == [1, 1]
    (stored,) = await save_mechanisms(database, replace(stored, is_published=False))
    assert await counts() == [0, 0]
    (stored,) = await save_mechanisms(database, replace(stored, is_published=True, categories=()))
    assert await counts() == [0, 0]


async def test_a_category_that_has_become_empty_is_deleted(database: Database) -> None:
    await save_categories(database, "gears")
    user = await save_user(database)
    (stored,) = await save_mechanisms(database, a_mechanism(user, categories=(CategoryId("gears"),)))
    async with database.begin() as tx:
        await tx.mechanisms.delete(stored.id, stored.version)
        await tx.categories.delete(CategoryId("gears"))
        await tx.categories.delete(CategoryId("gears"))
        assert await tx.categories.find_all() == ()


async def test_a_parent_counts_what_is_in_it_or_in_its_children_once(database: Database) -> None:
    await save_categories(database, "linkages")
    linkages, crank, rocker = map(CategoryId, ("linkages", "crank", "rocker"))
    async with database.begin() as tx:
        for id in (crank, rocker):
            await tx.categories.save(a_category(id, parent_id=linkages))
    user = await save_user(database)
    await save_mechanisms(
        database,
        a_mechanism(user, categories=(crank, rocker)),
        a_mechanism(user, categories=(linkages, rocker)),
        a_mechanism(user, categories=(crank,), is_published=False),
    )
    async with database.read() as tx:
        counts = {one.category.id: one.mechanism_count for one in await tx.categories.find_counts()}
        children = await tx.categories.find_children([linkages, crank])
    assert counts == {linkages: 2, crank: 1, rocker: 2}
    assert [(one.id, one.parent_id) for one in children] == [(crank, linkages), (rocker, linkages)]


def _redirect(id: str, target: str) -> CategoryRedirect:
    return CategoryRedirect(
        id=CategoryId(id), target_id=CategoryId(target), name_en=id, name_ja="旧", created_at=NOW
    )


async def test_redirects_follow_a_merge_and_end_with_their_target(database: Database) -> None:
    await save_categories(database, "gears", "cams")
    async with database.begin() as tx:
        await tx.category_redirects.add(_redirect("wheels", "gears"))
        await tx.category_redirects.add(_redirect("gears", "cams"))
    async with database.read() as tx:
        every = await tx.category_redirects.find_all()
        chosen = await tx.category_redirects.find([CategoryId("wheels"), CategoryId("no-such")])
        assert await tx.category_redirects.find([]) == ()
    assert every == (_redirect("gears", "cams"), _redirect("wheels", "cams"))
    assert chosen == every[1:]
    async with database.begin() as tx:
        await tx.categories.delete(CategoryId("cams"))
        assert await tx.category_redirects.find_all() == ()


async def test_mechanisms_move_to_another_category_once(database: Database) -> None:
    await save_categories(database, "gears", "cams", "screws")
    gears, cams, screws = map(CategoryId, ("gears", "cams", "screws"))
    user = await save_user(database)
    one, both, other = await save_mechanisms(
        database,
        a_mechanism(user, categories=(gears, screws)),
        a_mechanism(user, categories=(gears, screws, cams)),
        a_mechanism(user, categories=(screws,)),
    )
    async with database.begin() as tx:
        await tx.mechanism_bulk.move([one.id, both.id], gears, cams)
    async with database.read() as tx:
        found = [await tx.mechanisms.find_by_id(each.id) for each in (one, both, other)]
        counts = {each.category.id: each.mechanism_count for each in await tx.categories.find_counts()}
    assert [each and (each.categories, each.version) for each in found] == [
        ((cams, screws), 2),
        ((screws, cams), 2),
        ((screws,), 1),
    ]
    assert counts == {gears: 0, cams: 2, screws: 3}
