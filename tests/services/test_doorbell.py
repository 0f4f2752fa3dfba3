"""Every change that enqueues a job wakes a waiting worker."""

import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.users import Role
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

    await change(world, mika, admin, made.id)

    async with asyncio.timeout(10):
        await world.adapters.doorbell.wait(timedelta(hours=1))
    assert await world.app.runner.run_one() is not None
