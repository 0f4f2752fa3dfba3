"""Every change that enqueues a job wakes a waiting worker."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.events import MechanismChanged
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.users import Role
from mechshare.services.transactions import INDEX_RING_INTERVAL
from tests.services.faults import OVER_AT_ONCE
from tests.services.world import HERE


async def create(world, mika, admin, id):
    await world.create(mika)


async def publish(world, mika, admin, id):
    await world.app.mechanisms.publish(mika, id)


async def delete(world, mika, admin, id):
    await world.app.mechanisms.delete_mechanism(mika, id, HERE)


async def leave(world, mika, admin, id):
    await world.app.users.delete_user(mika, HERE)


async def change_name(world, mika, admin, id):
    await world.app.users.update_user(mika, display_name="Mika M.")


async def retry(world, mika, admin, id):
    await world.app.processing.retry(mika, id)


async def retry_job(world, mika, admin, id):
    (job,) = [job for job in await world.jobs() if job.subject == id and job.state == "cancelled"]
    await world.app.jobs.retry(job.id)


async def reap(world, mika, admin, id):
    await world.external(mika)  # enqueues an indexing job, whose end rings nothing by itself
    async with world.database.begin() as tx:
        assert await tx.ledger.claim(OVER_AT_ONCE)
    await world.adapters.doorbell.wait(timedelta(0))
    assert await world.app.runner.reap() == 1


async def schedule(world, mika, admin, id):
    await world.app.scheduler.enqueue_due_jobs()


@pytest.mark.parametrize(
    "change", [create, publish, delete, leave, change_name, retry, retry_job, reap, schedule]
)
async def test_a_waiting_worker_is_woken(world, change):
    mika, admin = await world.join("mika"), await world.join("admin", Role.ADMIN)
    made = await (world.external if change is publish else world.create)(mika)
    if change is not publish:
        job = next(job for job in await world.jobs() if job.kind == "process_mechanism_file")
        await world.app.jobs.cancel(job.id)
    await world.work()
    await world.adapters.doorbell.wait(timedelta(0))  # consumes earlier rings
    world.clock.advance(INDEX_RING_INTERVAL)

    await change(world, mika, admin, made.id)

    async with asyncio.timeout(60):
        await world.adapters.doorbell.wait(timedelta(hours=1))
    assert await world.app.runner.run_one() is not None


async def test_index_jobs_ring_once_a_second_and_other_jobs_always(world):
    mika = await world.join("mika")
    first, second, third = [await world.external(mika) for _ in range(3)]
    await world.work()
    await world.adapters.doorbell.wait(timedelta(0))
    world.clock.advance(INDEX_RING_INTERVAL)

    await world.app.mechanisms.publish(mika, first.id)
    assert await rang(world)
    await world.app.mechanisms.publish(mika, second.id)
    assert not await rang(world)
    await world.create(mika)
    assert await rang(world)
    world.clock.advance(-2 * INDEX_RING_INTERVAL)  # set back
    await world.app.mechanisms.publish(mika, third.id)
    assert await rang(world)


async def test_the_end_of_a_processing_rings_always_since_feeds_wait_for_it(world):
    made = await world.external(await world.join("mika"))
    ended = made.processing_failed(ProcessingFailure(code=FailureCode.UNREADABLE), world.clock.now())
    transactions = world.transactions(world.database)
    await world.adapters.doorbell.wait(timedelta(0))

    for after, rings in ((replace(made, title="b"), True), (replace(made, title="c"), False), (ended, True)):
        async with transactions.begin() as tx:
            await tx.record(MechanismChanged(made, after))
        assert await rang(world) is rings


async def rang(world) -> bool:
    try:
        async with asyncio.timeout(0.05):
            await world.adapters.doorbell.wait(timedelta(hours=1))
    except TimeoutError:
        return False
    return True
