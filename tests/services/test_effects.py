"""The effects of each domain event, and the absence of others."""

import pytest

from mechshare.domain.events import MechanismDeleted, MechanismsRemoved
from mechshare.domain.jobs import JobKind
from mechshare.domain.users import Role
from mechshare.services.support.invalidation import PUBLIC_LISTS, mechanism_tag
from tests.services.world import HERE


@pytest.fixture
async def mika(world):
    return await world.join("mika")


def times_emptied(world):
    """Returns how often the cached public lists were invalidated since the last call."""
    return world.cache.invalidated.pop(PUBLIC_LISTS, 0)


async def test_a_draft_leaves_the_public_lists_cached(world, mika):
    made = await world.create(mika)
    await world.work()
    await world.app.mechanisms.update_mechanism(mika, made.id, title="がん木")
    await world.work()
    await world.app.users.update_user(mika, display_name="佐倉")
    await world.work()
    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    await world.work()
    assert times_emptied(world) == 0


async def test_a_clip_that_fails_and_is_tried_again_leaves_the_public_lists_cached(world, mika):
    made = await world.create(mika)
    (job,) = [job for job in await world.jobs() if job.kind is JobKind.PROCESS_MECHANISM_FILE]
    await world.app.jobs.cancel(job.id)
    await world.app.processing.retry(mika, made.id)
    await world.work()
    assert times_emptied(world) == 0


async def test_a_public_change_and_its_indexing_invalidate_the_public_lists(world, mika):
    made = await world.external(mika)
    await world.work()

    for change in (
        lambda: world.app.mechanisms.publish(mika, made.id),
        lambda: world.app.mechanisms.update_mechanism(mika, made.id, title="がん木"),
        lambda: world.app.users.update_user(mika, display_name="佐倉"),
        lambda: world.app.mechanisms.withdraw(mika, made.id, HERE),
    ):
        await change()
        assert times_emptied(world) == 1
        await world.work()
        assert times_emptied(world) == 1


async def test_a_public_deletion_and_its_indexing_invalidate_the_public_lists(world, mika):
    made = await world.published(mika)
    await world.work()
    times_emptied(world)

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    assert times_emptied(world) == 1
    await world.work()
    assert times_emptied(world) == 1


async def test_deleting_an_account_with_public_mechanisms_invalidates_the_public_lists(world, mika):
    await world.external(mika)
    ren = await world.join("ren")
    await world.published(ren)
    await world.work()
    times_emptied(world)

    await world.app.users.delete_user(mika, HERE)
    await world.work()
    assert times_emptied(world) == 0

    await world.app.users.delete_user(ren, HERE)
    assert times_emptied(world) == 1


async def test_a_draft_published_before_it_is_indexed_invalidates_the_public_lists(world, mika):
    """The first of its two jobs to run indexes it as public."""
    made = await world.external(mika)
    await world.app.mechanisms.publish(mika, made.id)
    times_emptied(world)
    await world.work()
    assert times_emptied(world) == 2


async def test_changes_of_categories_invalidate_public_lists(world):
    admin = await world.join("admin", Role.ADMIN)
    categories = world.app.categories
    await categories.create_category(admin, "cranks", "Cranks", "クランク")
    await categories.update_category(admin, "cranks", name_en="Crank drives")
    await categories.delete_category(admin, "cranks")
    assert times_emptied(world) == 3


async def test_every_reader_of_a_draft_sees_each_of_its_changes(world, mika):
    made = await world.create(mika)
    await world.work()
    before = world.cache.invalidated[mechanism_tag(made.id)]
    await world.app.mechanisms.update_mechanism(mika, made.id, title="がん木")
    assert world.cache.invalidated[mechanism_tag(made.id)] == before + 1


async def test_a_rolled_back_transaction_has_no_effects(world, mika):
    made = await world.stored((await world.published(mika)).id)
    await world.work()
    times_emptied(world)
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
    assert (times_emptied(world), await world.jobs()) == (0, jobs)
    assert "mechanism_deleted" not in [entry.action for entry in await world.audited()]
