"""Outages of the database and jumps of its clock: neither costs a clip an attempt, nor lets it wait."""

import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import LEASE, MAX_ATTEMPTS, JobKind, JobState, new_job
from mechshare.domain.media import FailureCode
from tests.services.conftest import open_world
from tests.services.faults import OVER_AT_ONCE

OUTAGES = MAX_ATTEMPTS + 2


@pytest.fixture
async def world(tmp_path):
    """An installation in memory, whose database uses the clock of the test."""
    async with open_world("memory", tmp_path) as opened:
        yield opened


@pytest.fixture
async def clip(world):
    """The job of a clip, the only one that is due."""
    job = new_job(
        JobId(world.adapters.ids.new_id()), JobKind.DELETE_BLOBS, "media/x/1.mp4", now=world.clock.now()
    )
    async with world.database.begin() as tx:
        await tx.ledger.add(job)
    return job


async def claimed(world):
    """Claims the job with a lease that has expired, as after an outage that was longer than the lease."""
    world.database.lease = OVER_AT_ONCE
    async with world.database.begin() as tx:
        return await tx.ledger.claim(LEASE)


async def suffer_outage(world):
    world.database.is_down = True
    with pytest.raises(DependencyUnavailable):
        await world.app.runner.reap()
    world.database.is_down = False


async def pass_seconds(world, seconds):
    """Reaps every 3 s, as a process does every 5 s; returns how many jobs ended."""
    ended = 0
    for _ in range(0, seconds, 3):
        world.clock.advance(timedelta(seconds=3))
        ended += await world.app.runner.reap()
    return ended


async def test_a_lease_that_expired_during_an_outage_costs_no_attempt(world, clip):
    for _ in range(OUTAGES):
        assert (await claimed(world)).id == clip.id
        await suffer_outage(world)
        assert await pass_seconds(world, 15) == 1

    history = await world.app.jobs.find_history(clip.id)
    assert [attempt.failure.code for attempt in history] == [FailureCode.UNAVAILABLE] * OUTAGES
    assert (await world.app.jobs.get_job(clip.id)).state is JobState.QUEUED


async def test_a_worker_that_survives_the_outage_keeps_its_job(world, clip):
    job = await claimed(world)
    await suffer_outage(world)

    assert await world.app.runner.reap() == 0
    world.database.lease = None
    async with world.database.begin() as tx:
        assert await tx.ledger.renew(job.id, job.fence, LEASE, "video", 0.5)
    assert await pass_seconds(world, 12) == 0
    assert (await world.app.jobs.get_job(clip.id)).state is JobState.RUNNING


async def test_a_worker_lost_long_after_an_outage_costs_an_attempt(world, clip):
    await suffer_outage(world)
    await pass_seconds(world, 30)
    await claimed(world)

    assert await pass_seconds(world, 3) == 1
    (attempt,) = await world.app.jobs.find_history(clip.id)
    assert attempt.failure.code is FailureCode.WORKER_LOST


async def test_an_outcome_is_written_when_the_database_is_back(world):
    mika = await world.join("mika")
    await world.external(mika)

    async def go_away():
        world.database.is_down = True
        asyncio.get_running_loop().call_later(0.05, setattr, world.database, "is_down", False)

    world.index.before_put = go_away
    await world.app.runner.run_one()

    (job,) = await world.jobs()
    assert (job.state, job.attempt) == (JobState.DONE, 1)


async def test_a_clock_that_is_set_back_an_hour_lets_no_work_wait(world, clip):
    job = await claimed(world)
    async with world.database.begin() as tx:
        await tx.ledger.postpone(job.id, job.fence, timedelta(0))
    world.clock.advance(timedelta(hours=-1))
    world.database.lease = None
    assert await world.app.runner.run_one() is None

    await world.app.runner.reap()

    assert (await world.app.runner.run_one()).id == clip.id


async def test_a_lease_from_before_the_clock_was_set_back_ends_soon(world, clip):
    world.database.lease = timedelta(hours=1)
    async with world.database.begin() as tx:
        await tx.ledger.claim(LEASE)
    world.database.lease = None

    await world.app.runner.reap()

    assert await pass_seconds(world, 30) == 1


async def test_a_clock_that_jumps_forward_costs_no_attempt(world, clip):
    world.database.lease = None
    async with world.database.begin() as tx:
        await tx.ledger.claim(LEASE)
    await world.app.runner.reap()
    world.clock.advance(timedelta(hours=2))

    assert await pass_seconds(world, 15) == 1
    (attempt,) = await world.app.jobs.find_history(clip.id)
    assert attempt.failure.code is FailureCode.UNAVAILABLE
