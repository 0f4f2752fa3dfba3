"""What follows from what happened, and what does not."""

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
    """How often the cached public lists were invalidated since this was last called."""
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


async def test_a_change_of_what_is_public_empties_the_public_lists_and_so_does_its_indexing(world, mika):
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


async def test_a_deleted_public_mechanism_empties_the_public_lists_and_so_does_its_indexing(world, mika):
    made = await world.published(mika)
    await world.work()
    times_emptied(world)

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    assert times_emptied(world) == 1
    await world.work()
    assert times_emptied(world) == 1


async def test_an_account_that_is_deleted_empties_the_public_lists_if_anything_of_it_was_public(world, mika):
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


async def test_a_draft_that_is_published_before_it_is_indexed_empties_the_public_lists(world, mika):
    """Whichever of its jobs is done first says to the index that it is public."""
    made = await world.external(mika)
    await world.app.mechanisms.publish(mika, made.id)
    times_emptied(world)
    await world.work()
    assert times_emptied(world) == 2


async def test_categories_are_in_the_public_lists(world):
    admin = await world.join("admin", Role.ADMIN)
    categories = world.app.categories
    await categories.create_category(admin, "cranks", "Cranks", "クランク")
    await categories.update_category(admin, "cranks", name_en="Crank drives")
    await categories.delete_category(admin, "cranks")
    assert times_emptied(world) == 3


async def test_whoever_looks_at_a_draft_sees_each_of_its_changes(world, mika):
    made = await world.create(mika)
    await world.work()
    before = world.cache.invalidated[mechanism_tag(made.id)]
    await world.app.mechanisms.update_mechanism(mika, made.id, title="がん木")
    assert world.cache.invalidated[mechanism_tag(made.id)] == before + 1


async def test_nothing_follows_from_what_was_rolled_back(world, mika):
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
