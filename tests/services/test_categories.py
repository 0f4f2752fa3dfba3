import asyncio
from dataclasses import replace

import pytest

from mechshare.domain.audit import AuditAction
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.errors import (
    CategoryInUse,
    CategoryNotFound,
    InvalidField,
    NameTaken,
    StaleVersion,
    UnauthorizedOperation,
)
from mechshare.domain.ids import CategoryId
from mechshare.domain.users import Role
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse
from tests.services.world import HERE

GEARS, CAMS = CategoryId("gears"), CategoryId("cams")


@pytest.fixture
async def admin(world):
    return await world.join("admin", Role.ADMIN)


async def test_a_new_installation_gets_its_categories_once_and_in_order(world):
    assert await world.app.categories.seed() == len(FIRST_CATEGORIES)
    assert await world.app.categories.seed() == 0
    shown = await world.app.categories.find_counts()
    assert [count.category.id for count in shown] == [slug for slug, _, _ in FIRST_CATEGORIES]
    assert {count.mechanism_count for count in shown} == {0}


async def test_many_processes_that_start_at_once_seed_once(world):
    added = await asyncio.gather(*(world.app.categories.seed() for _ in range(5)))
    assert sorted(added) == [0, 0, 0, 0, len(FIRST_CATEGORIES)]


async def test_an_installation_with_its_own_categories_is_not_seeded(world, admin):
    await world.app.categories.create_category(admin, "own", "Own", "独自")
    assert await world.app.categories.seed() == 0


async def test_counts_include_only_published_mechanisms(world, admin):
    await world.app.categories.seed()
    await world.external(admin, categories=(GEARS,))
    await world.published(admin, categories=(GEARS,))
    counts = {count.category.id: count.mechanism_count for count in await world.app.categories.find_counts()}
    assert counts[GEARS] == 1
    assert sum(counts.values()) == 1


async def test_an_admin_creates_renames_and_deletes_a_category(world, admin):
    app = world.app.categories
    made = await app.create_category(admin, " New-One ", "New", "新しい")
    assert (made.id, made.name_en, made.name_ja, made.version) == ("new-one", "New", "新しい", 1)

    renamed = await app.update_category(admin, made.id, name_en="Newer", versions=[1])
    assert (renamed.name_en, renamed.name_ja, renamed.version) == ("Newer", "新しい", 2)
    for attempt in (
        app.update_category(admin, made.id, name_en="x", versions=[1]),
        app.delete_category(admin, made.id, versions=[1]),
    ):
        with pytest.raises(StaleVersion):
            await attempt

    await app.delete_category(admin, made.id, versions=[2])
    with pytest.raises(CategoryNotFound):
        await app.get_category(made.id)


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
async def test_users_and_moderators_cannot_change_categories(world, role):
    actor = await world.join("mika", role)
    await world.app.categories.seed()
    app = world.app.categories
    for attempt in (
        app.create_category(actor, "own", "Own", "独自"),
        app.update_category(actor, GEARS, name_en="x"),
        app.delete_category(actor, GEARS),
    ):
        with pytest.raises(UnauthorizedOperation):
            await attempt


async def test_a_name_in_use_a_bad_name_and_an_absent_category_are_refused(world, admin):
    await world.app.categories.seed()
    app = world.app.categories
    with pytest.raises(NameTaken):
        await app.create_category(admin, "GEARS", "x", "x")
    with pytest.raises(InvalidField):
        await app.create_category(admin, "歯車", "x", "x")
    with pytest.raises(InvalidField):
        await app.update_category(admin, GEARS, name_ja="")
    for attempt in (app.update_category(admin, "absent", name_en="x"), app.delete_category(admin, "absent")):
        with pytest.raises(CategoryNotFound):
            await attempt


async def test_a_category_in_use_stays_though_nothing_in_it_is_published(world, admin):
    await world.app.categories.seed()
    made = await world.external(admin, categories=(CAMS,))
    with pytest.raises(CategoryInUse):
        await world.app.categories.delete_category(admin, CAMS)

    await world.app.mechanisms.delete_mechanism(admin, made.id, HERE)

    await world.app.categories.delete_category(admin, CAMS)


async def test_the_same_request_again_returns_the_first_response(world, admin):
    idempotency = IdempotentRequest(
        scope="s", key="k", fingerprint="f", render=lambda category: category.id.encode()
    )
    await world.app.categories.create_category(admin, "own", "Own", "独自", idempotency)
    with pytest.raises(ReplayedResponse) as again:
        await world.app.categories.create_category(admin, "own", "Own", "独自", idempotency)
    assert again.value.response == b"own"


async def test_mechanisms_of_a_category_are_found_by_its_new_name(world, admin):
    await world.app.categories.seed()
    shown = await world.published(admin, "x1", categories=(GEARS,))
    await world.published(admin, "x2")
    await world.work()

    await world.app.categories.update_category(admin, GEARS, name_en="Toothed wheels")
    await world.work()

    found = await world.app.search.search(None, "toothed")
    assert [item.found.mechanism.id for item in found.items] == [shown.id]


async def test_a_name_of_another_category_is_refused(world, admin):
    app = world.app.categories
    await app.create_category(admin, "gears", "Gears", "歯車")
    cams = await app.create_category(admin, "cams", "Cams", "カム")
    for attempt in (
        app.create_category(admin, "own", "ＧＥＡＲＳ", "独自"),
        app.create_category(admin, "own", "Own", "歯車"),
        app.update_category(admin, cams.id, name_ja="Gears"),
    ):
        with pytest.raises(NameTaken):
            await attempt


async def test_an_author_adds_a_category_by_its_name(world):
    mika = await world.join("mika")
    made = await world.external(mika, categories=["機械", "Spring Motors"])
    first, second = [one.category for one in await world.app.categories.find_counts()]
    assert {first.id, second.id} == set(made.categories)
    assert {(first.name_en, first.name_ja), (second.name_en, second.name_ja)} == {
        ("機械", "機械"),
        ("Spring Motors", "Spring Motors"),
    }
    assert "spring-motors" in made.categories
    added = [one for one in await world.audited() if one.action is AuditAction.CATEGORY_CREATED]
    assert {(one.actor_id, one.subject) for one in added} == {(mika.id, id) for id in made.categories}


async def test_a_category_is_found_again_by_either_name_or_its_id(world):
    await world.app.categories.seed()
    mika = await world.join("mika")
    made = await world.external(mika, categories=["ＧＥＡＲＳ", "カム機構", "gears", "springs"])
    assert made.categories == ("gears", "cams", "springs")
    assert len(await world.app.categories.find_counts()) == len(FIRST_CATEGORIES)


async def test_a_change_adds_categories(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    changed = await world.app.mechanisms.update_mechanism(mika, made.id, categories=["機械"])
    again = await world.app.mechanisms.update_mechanism(mika, made.id, categories=["機械", "機械 "])
    assert changed.mechanism.categories == again.mechanism.categories
    assert len(await world.app.categories.find_counts()) == 1


async def test_authors_who_add_the_same_name_at_once_add_one_category(world):
    mika, other = await world.join("mika"), await world.join("other")
    made = await asyncio.gather(
        *(world.external(actor, categories=[name]) for actor in (mika, other) for name in ("ｶﾑ軸", "カム軸"))
    )
    assert len({one.categories for one in made}) == 1
    assert len(await world.app.categories.find_counts()) == 1


async def test_a_user_who_is_blocked_from_posting_adds_no_category(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    with pytest.raises(UnauthorizedOperation):
        await world.app.mechanisms.update_mechanism(
            replace(mika, role=Role.READER), made.id, categories=["機械"]
        )
    assert await world.app.categories.find_counts() == ()
