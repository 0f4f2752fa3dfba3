"""The effects of each domain event, and the absence of others."""

import pytest

from mechshare.domain.events import MechanismChanged, MechanismDeleted, MechanismsRemoved
from mechshare.domain.jobs import JobKind
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.notifications import NotificationKind
from mechshare.domain.users import Role
from mechshare.services.effects import effects_of
from mechshare.services.support.invalidation import (
    CATEGORIES,
    PUBLIC_LISTS,
    SEARCHES,
    list_tag,
    mechanism_tag,
)
from mechshare.testing.persistence.values import NOW, a_mechanism, a_user
from tests.services.world import HERE


@pytest.fixture
async def mika(world):
    return await world.join("mika")


def shared(counter):
    """Returns the tags of what shows several mechanisms among those counted since the last call."""
    found = {tag for tag in counter if tag.partition("/")[0] == PUBLIC_LISTS}
    counter.clear()
    return found


def dropped(world):
    """Returns which of these tags were invalidated since the last call."""
    return shared(world.cache.invalidated)


def renewed(world):
    """Returns which of these tags were refreshed since the last call."""
    return shared(world.cache.refreshed)


async def add_categories(world, *slugs):
    admin = await world.join("admin", Role.ADMIN)
    for slug in slugs:
        await world.app.categories.create_category(admin, slug, slug, slug)


def listing(mechanism):
    """Returns the tags of the lists that show a published mechanism."""
    lists = {list_tag([], None), list_tag([], mechanism.user_id)}
    return lists | {list_tag([id], None) for id in mechanism.categories} | {CATEGORIES}


async def test_a_draft_leaves_the_public_lists_cached(world, mika):
    made = await world.create(mika)
    await world.work()
    await world.app.mechanisms.update_mechanism(mika, made.id, title="がん木")
    await world.work()
    await world.app.users.update_user(mika, display_name="佐倉")
    await world.work()
    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    await world.work()
    assert (dropped(world), renewed(world)) == (set(), set())


async def test_a_clip_that_fails_and_is_tried_again_leaves_the_public_lists_cached(world, mika):
    made = await world.create(mika)
    (job,) = [job for job in await world.jobs() if job.kind is JobKind.PROCESS_MECHANISM_FILE]
    await world.app.jobs.cancel(job.id)
    await world.app.processing.retry(mika, made.id)
    await world.work()
    assert (dropped(world), renewed(world)) == (set(), set())


async def test_what_is_new_refreshes_the_lists_that_show_it(world, mika):
    await add_categories(world, "gears", "cams")
    made = await world.external(mika, categories=("gears",))
    await world.work()
    dropped(world)

    await world.app.mechanisms.publish(mika, made.id)
    assert (dropped(world), renewed(world)) == (set(), listing(made))
    await world.work()
    assert (dropped(world), renewed(world)) == (set(), listing(made) | {SEARCHES})

    await world.app.mechanisms.update_mechanism(mika, made.id, categories=["cams"])
    assert (dropped(world), renewed(world)) == ({SEARCHES}, listing(made) | {list_tag(["cams"], None)})

    await world.work()
    renewed(world)
    await world.app.users.update_user(mika, display_name="佐倉")
    assert (dropped(world), renewed(world)) == ({SEARCHES}, {PUBLIC_LISTS})


async def test_what_is_withdrawn_leaves_all_lists_at_once(world, mika):
    await add_categories(world, "gears")
    made = await world.published(mika, categories=("gears",))
    await world.work()
    dropped(world), renewed(world)

    await world.app.mechanisms.withdraw(mika, made.id, HERE)
    assert dropped(world) == listing(made) | {SEARCHES}
    await world.work()
    assert dropped(world) == {PUBLIC_LISTS}


async def test_what_is_deleted_leaves_all_lists_at_once(world, mika):
    made = await world.published(mika)
    await world.work()
    dropped(world)

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    assert dropped(world) == {PUBLIC_LISTS}
    await world.work()
    assert dropped(world) == {PUBLIC_LISTS}


async def test_deleting_an_account_with_public_mechanisms_drops_the_public_lists(world, mika):
    await world.external(mika)
    ren = await world.join("ren")
    await world.published(ren)
    await world.work()
    dropped(world)

    await world.app.users.delete_user(mika, HERE)
    await world.work()
    assert dropped(world) == set()

    await world.app.users.delete_user(ren, HERE)
    assert dropped(world) == {PUBLIC_LISTS}


async def test_a_draft_published_before_it_is_indexed_refreshes_the_searches(world, mika):
    made = await world.external(mika)
    await world.app.mechanisms.publish(mika, made.id)
    renewed(world)
    await world.work()
    assert SEARCHES in renewed(world)


async def test_a_new_name_of_a_category_drops_only_the_categories_and_the_suggestions(world):
    admin = await world.join("admin", Role.ADMIN)
    categories = world.app.categories
    await categories.create_category(admin, "cranks", "Cranks", "クランク")
    assert dropped(world) == {PUBLIC_LISTS}
    await categories.update_category(admin, "cranks", name_en="Crank drives")
    assert dropped(world) == {CATEGORIES, SEARCHES}
    await categories.delete_category(admin, "cranks")
    assert dropped(world) == {PUBLIC_LISTS}


async def test_every_reader_of_a_draft_sees_each_of_its_changes(world, mika):
    made = await world.create(mika)
    await world.work()
    before = world.cache.invalidated[mechanism_tag(made.id)]
    await world.app.mechanisms.update_mechanism(mika, made.id, title="がん木")
    assert world.cache.invalidated[mechanism_tag(made.id)] == before + 1


async def test_a_rolled_back_transaction_has_no_effects(world, mika):
    made = await world.stored((await world.published(mika)).id)
    await world.work()
    dropped(world)
    jobs = await world.jobs()

    async def crash_while_deleting():
        async with world.transactions(world.database).begin() as tx:
            await tx.mechanisms.delete(made.id, made.version)
            await tx.record(
                MechanismsRemoved([made.id], [], were_public=True, request_id=""),
                MechanismDeleted(made.id, mika.id, HERE),
            )
            raise ValueError("a crash")

    with pytest.raises(ValueError, match="a crash"):
        await crash_while_deleting()
    assert (dropped(world), await world.jobs()) == (set(), jobs)
    assert "mechanism_deleted" not in [entry.action for entry in await world.audited()]


def test_a_failed_processing_notifies_the_owner_once():
    before = a_mechanism(a_user())
    failed = before.processing_failed(ProcessingFailure(code=FailureCode.UNREADABLE), NOW)
    (notice,) = effects_of(MechanismChanged(before, failed)).notices
    assert (notice.user_id, notice.kind, notice.mechanism_id) == (
        before.user_id,
        NotificationKind.FAILURE,
        before.id,
    )
    assert not effects_of(MechanismChanged(failed, failed)).notices
