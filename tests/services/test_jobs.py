from datetime import timedelta

import pytest

from mechshare.domain.errors import JobNotCancellable, JobNotFound, JobNotRetryable, NothingToRetry
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import (
    DEADLINE,
    EVERYTHING,
    LEASE,
    Backlog,
    IndexingNotCancellable,
    JobKind,
    JobState,
    new_job,
)
from mechshare.domain.media import FailureCode
from mechshare.domain.pagination import PageRequest
from mechshare.domain.processing import READY, ProcessingState
from mechshare.services.jobs import LATE
from mechshare.services.support.claims import MAX_INDEX_BATCH
from tests.services.world import HERE

ABSENT = JobId("01900000-0000-7000-8000-0000000000ff")


@pytest.fixture
async def mika(world):
    return await world.join("mika")


async def of_kind(world, kind):
    return [job for job in await world.jobs() if job.kind is kind]


async def test_jobs_are_listed_by_state_and_waiting_jobs_are_counted(world, mika):
    await world.create(mika)
    await world.work()
    await world.create(mika)

    assert (await world.app.jobs.find_all(PageRequest(), JobState.QUEUED)).total == 2
    assert await world.app.jobs.find_backlog() == {
        (JobKind.PROCESS_MECHANISM_FILE, JobState.QUEUED): Backlog(count=1, oldest=world.clock.now()),
        (JobKind.INDEX_DRAFT, JobState.QUEUED): Backlog(count=1, oldest=world.clock.now()),
    }


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


async def test_an_ended_job_is_not_cancelled(world, mika):
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


async def test_an_index_job_that_breaks_is_tried_until_it_is_done(world, mika):
    made = await world.external(mika)

    async def broken():
        world.index.before_put = broken
        raise ValueError("broken")

    world.index.before_put = broken
    for _ in range(8):
        await world.app.runner.run_one()
    world.clock.advance(2 * DEADLINE)
    await world.app.runner.reap()

    (job,) = await of_kind(world, JobKind.INDEX_DRAFT)
    assert (job.state, job.attempt) == (JobState.QUEUED, 8)
    assert (await world.stored(made.id)).processing == READY
    world.index.before_put = None
    await world.work()
    assert (await world.app.jobs.get_job(job.id)).state is JobState.DONE


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_the_scheduler_revives_index_jobs_that_an_earlier_release_ended(world, mika, state):
    await world.external(mika)
    async with world.database.begin() as tx:
        (job,) = await tx.job_batches.claim(JobKind.INDEX_DRAFT, LEASE, limit=1)
        await tx.ledger.finish(job.id, job.fence, state)

    await world.app.scheduler.enqueue_due_jobs()
    await world.work()

    assert (await world.app.jobs.get_job(job.id)).state is JobState.DONE


async def test_an_index_job_is_not_cancelled(world, mika):
    await world.external(mika)
    (job,) = await of_kind(world, JobKind.INDEX_DRAFT)

    with pytest.raises(IndexingNotCancellable):
        await world.app.jobs.cancel(job.id)

    assert (await world.app.jobs.get_job(job.id)).state is JobState.QUEUED


async def test_a_late_index_job_runs_without_a_worker(world, mika):
    made = await world.published(mika, "crank")
    await world.create(mika)
    assert await world.app.runner.run_late_index_job() is None

    world.clock.advance(LATE)
    world.database.is_late = True
    while await world.app.runner.run_late_index_job():
        continue

    assert {job.kind for job in await world.jobs() if not job.state.has_ended} == {
        JobKind.PROCESS_MECHANISM_FILE
    }
    page = await world.app.search.search(None, "crank")
    assert [item.found.mechanism.id for item in page.items] == [made.id]


async def test_an_operator_can_run_a_failed_job_again(world, mika):
    made = await world.create(mika)
    (job,) = await of_kind(world, JobKind.PROCESS_MECHANISM_FILE)
    await world.app.jobs.cancel(job.id)

    again = await world.app.jobs.retry(job.id)
    await world.work()

    assert again != job.id
    assert (await world.app.jobs.get_job(again)).state is JobState.DONE
    assert (await world.stored(made.id)).processing == READY
    with pytest.raises(NothingToRetry):
        await world.app.jobs.retry(job.id)
    with pytest.raises(JobNotRetryable) as refused:
        await world.app.jobs.retry(again)
    assert refused.value.facts == {"state": "done"}


async def test_a_job_of_any_kind_can_be_run_again(world, mika):
    async with world.database.begin() as tx:
        await tx.ledger.add(new_job(ABSENT, JobKind.SWEEP, EVERYTHING, now=world.clock.now()))
    await world.app.jobs.cancel(ABSENT)

    again = await world.app.jobs.retry(ABSENT)
    await world.work()

    job = await world.app.jobs.get_job(again)
    assert (job.kind, job.state) == (JobKind.SWEEP, JobState.DONE)


async def test_the_attempts_of_a_job_are_listed_with_their_reasons(world, mika):
    await world.external(mika)
    world.index.is_down = True
    await world.app.runner.run_one()
    world.index.is_down = False
    await world.app.runner.run_one()

    (job,) = await of_kind(world, JobKind.INDEX_DRAFT)
    first, second = await world.app.jobs.find_history(job.id)

    assert (first.number, first.failure.code) == (1, FailureCode.UNAVAILABLE)
    assert (second.number, second.failure, second.ended_at) == (2, None, job.ended_at)
    with pytest.raises(JobNotFound):
        await world.app.jobs.find_history(ABSENT)


async def test_an_unclaimed_job_fails_at_its_deadline(world, mika):
    made = await world.create(mika)
    late = await world.create(mika, "late")
    assert await world.app.runner.reap() == 0

    world.clock.advance(DEADLINE)
    assert await world.app.runner.reap() == 0
    fresh = await world.create(mika, "fresh")
    world.clock.advance(timedelta(seconds=1))
    assert await world.app.runner.reap() == 2  # the jobs of two clips; those that index them have no deadline

    for id in (made.id, late.id):
        processing = (await world.stored(id)).processing
        assert processing.failure.code is FailureCode.DEADLINE_PASSED
    assert (await world.stored(fresh.id)).processing.state is ProcessingState.PENDING


async def test_a_job_that_fails_at_its_deadline_shows_its_last_error(world, mika):
    made = await world.create(mika)
    world.blobs.is_down = True
    for _ in range(2):
        await world.app.runner.run_one()
    world.clock.advance(DEADLINE + timedelta(seconds=1))

    await world.app.runner.reap()

    failure = (await world.stored(made.id)).processing.failure
    assert (failure.code, failure.detail) == (FailureCode.DEADLINE_PASSED, FailureCode.UNAVAILABLE.value)


async def test_a_job_carries_the_id_of_the_request_that_enqueued_it(world, mika):
    made = await world.create(mika)
    assert {job.request_id for job in await world.jobs()} == {HERE.request_id}
    await world.work()
    before = {job.id for job in await world.jobs()}

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)

    promised = [job for job in await world.jobs() if job.id not in before]
    assert {job.request_id for job in promised} == {HERE.request_id}
    assert JobKind.DELETE_BLOBS in {job.kind for job in promised}


async def test_what_is_written_right_after_a_batch_of_index_jobs_waits_for_the_next_one(world):
    mika = await world.join("mika")
    await world.external(mika, "歯車")
    await world.app.runner.run_next()
    await world.external(mika, "てこ")
    await world.create(mika)
    await world.app.runner.run_next()
    assert world.index.batches == [1]
    assert {job.kind for job in await world.jobs() if job.state is JobState.QUEUED} == {JobKind.INDEX_DRAFT}


async def test_index_jobs_that_wait_together_share_one_write_of_the_index(world):
    mika = await world.join("mika")
    for number in range(MAX_INDEX_BATCH + 50):
        await world.external(mika, f"歯車 {number}")
    await world.work()
    assert world.index.batches == [MAX_INDEX_BATCH, 50]
    assert await world.app.jobs.find_backlog() == {}


async def test_a_mechanism_that_the_index_cannot_store_holds_up_no_other(world):
    mika = await world.join("mika")
    world.index.poison = {"歯車 1"}
    for number in range(3):
        await world.external(mika, f"歯車 {number}")
    await world.app.runner.run_one()
    states = [job.state for job in await world.jobs()]
    assert sorted(states) == [JobState.DONE, JobState.DONE, JobState.QUEUED]
