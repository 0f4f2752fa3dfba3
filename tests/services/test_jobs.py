import pytest

from mechshare.domain.errors import JobNotCancellable, JobNotFound
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import JobKind, JobState
from mechshare.domain.mechanisms import READY, ProcessingState
from mechshare.domain.media import FailureCode
from mechshare.domain.pages import PageRequest
from tests.services.world import HERE

ABSENT = JobId("01900000-0000-7000-8000-0000000000ff")


@pytest.fixture
async def mika(world):
    return await world.join("mika")


async def of_kind(world, kind):
    return [job for job in await world.jobs() if job.kind is kind]


async def test_jobs_are_listed_and_counted_by_state(world, mika):
    await world.create(mika)
    await world.work()
    await world.create(mika)

    assert (await world.app.jobs.find_all(PageRequest(), JobState.QUEUED)).total == 2
    counts = await world.app.jobs.count_by_state()
    assert counts[JobKind.PROCESS_MECHANISM_FILE, JobState.DONE] == 1
    assert counts[JobKind.PROCESS_MECHANISM_FILE, JobState.QUEUED] == 1


async def test_a_cancelled_job_fails_its_mechanism_with_that_reason(world, mika):
    made = await world.create(mika)
    (job,) = await of_kind(world, JobKind.PROCESS_MECHANISM_FILE)

    await world.app.jobs.cancel(job.id)
    await world.work()

    processing = (await world.stored(made.id)).processing
    assert processing.state is ProcessingState.FAILED
    assert processing.failure.code is FailureCode.CANCELLED
    assert (await world.app.jobs.get_job(job.id)).state is JobState.CANCELLED
    assert world.media.calls == 0


async def test_a_job_that_has_ended_is_not_cancelled(world, mika):
    made = await world.create(mika)
    await world.work()
    (job,) = await of_kind(world, JobKind.PROCESS_MECHANISM_FILE)
    with pytest.raises(JobNotCancellable) as refused:
        await world.app.jobs.cancel(job.id)
    assert refused.value.facts == {"state": "done"}
    assert (await world.stored(made.id)).processing == READY


async def test_an_absent_job_is_not_found(world):
    for attempt in (world.app.jobs.get_job(ABSENT), world.app.jobs.cancel(ABSENT)):
        with pytest.raises(JobNotFound):
            await attempt


async def test_an_outage_of_the_search_index_loses_no_update(world, mika):
    world.index.is_down = True
    made = await world.published(mika)
    for _ in range(12):
        await world.app.runner.run_one()

    world.index.is_down = False
    await world.work()

    found = await world.app.search.search(None, "歯車")
    assert [item.found.mechanism.id for item in found.items] == [made.id]


async def test_an_outage_of_the_store_leaves_no_file_behind(world, mika):
    made = await world.create(mika)
    await world.work()
    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    world.blobs.is_down = True
    for _ in range(12):
        await world.app.runner.run_one()

    world.blobs.is_down = False
    await world.work()

    assert await world.keys() == []


async def test_an_index_job_that_breaks_each_time_fails_and_the_mechanism_does_not(world, mika):
    made = await world.external(mika)

    async def broken():
        world.index.before_put = broken
        raise ValueError("broken")

    world.index.before_put = broken
    await world.work()

    (job,) = await of_kind(world, JobKind.INDEX_MECHANISM)
    assert (job.state, job.attempt) == (JobState.FAILED, 5)
    assert (await world.stored(made.id)).processing == READY
