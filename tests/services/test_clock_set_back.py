"""A clock that is set back by an hour delays nothing by an hour, and prolongs nothing by an hour."""

from datetime import timedelta

import pytest

from mechshare.domain.errors import InvalidCredentials, InvalidToken, TooManyFailedSignIns
from mechshare.domain.jobs import JobKind, JobState
from mechshare.domain.sessions import RecentSignInRequired
from tests.services.conftest import open_world
from tests.services.world import HERE, PASSWORD

AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def world(tmp_path):
    async with open_world("memory", tmp_path) as opened:
        yield opened


async def test_failed_sign_ins_before_it_delay_nobody(world):
    await world.join("mika")
    for _ in range(12):
        with pytest.raises((InvalidCredentials, TooManyFailedSignIns)):
            await world.app.sessions.login("mika", "wrong", HERE)
    with pytest.raises(TooManyFailedSignIns):
        await world.app.sessions.login("mika", PASSWORD, HERE)
    world.clock.advance(-AN_HOUR)
    assert (await world.app.sessions.login("mika", PASSWORD, HERE)).access_token


async def test_a_session_goes_on_by_refreshing_its_tokens(world):
    await world.join("mika")
    tokens = await world.app.sessions.login("mika", PASSWORD, HERE)
    world.clock.advance(-AN_HOUR)
    with pytest.raises(InvalidToken):  # it was issued in the future, and would outlive its fifteen minutes
        await world.app.authentication.authenticate(tokens.access_token)
    renewed = await world.app.sessions.refresh(tokens.refresh_token, HERE)
    assert await world.app.authentication.authenticate(renewed.access_token)


async def test_a_sign_in_is_not_recent_for_an_hour_longer(world):
    await world.join("mika")
    tokens = await world.app.sessions.login("mika", PASSWORD, HERE)
    world.clock.advance(-AN_HOUR)
    renewed = await world.app.sessions.refresh(tokens.refresh_token, HERE)
    caller = await world.app.authentication.authenticate(renewed.access_token)
    with pytest.raises(RecentSignInRequired):
        await world.app.sessions.require_recent_sign_in(caller)


async def test_a_wiped_index_is_rebuilt_although_a_rebuild_failed_before_it(world):
    await world.app.scheduler.enqueue_due_jobs()
    async with world.database.begin() as tx:
        (claimed,) = await tx.job_batches.claim(JobKind.REBUILD_INDEX, AN_HOUR, limit=1)
        await tx.ledger.finish(claimed.id, claimed.fence, JobState.FAILED)
    await world.app.scheduler.enqueue_due_jobs()
    world.clock.advance(-AN_HOUR)
    await world.app.scheduler.enqueue_due_jobs()
    async with world.database.read() as tx:
        queued = [one for one, _ in await tx.jobs.find_backlog() if one is JobKind.REBUILD_INDEX]
    assert queued
