import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.errors import (
    MechanismNotFound,
    NothingToRetry,
    UnauthorizedOperation,
)
from mechshare.domain.jobs import DEADLINE, LEASE, MAX_ATTEMPTS, JobKind, JobState
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.overload import TooManyUnfinishedClips
from mechshare.domain.processing import PENDING, READY, ProcessingState
from mechshare.ports.media import MediaRejected
from mechshare.services.support import job_progress
from mechshare.services.support.invalidation import mechanism_tag
from mechshare.testing.bounds import bounded
from tests.services.faults import OVER_AT_ONCE
from tests.services.world import GIF, HERE, chunks

UNREADABLE = ProcessingFailure(code=FailureCode.UNREADABLE, detail="no frame")


@pytest.fixture
async def mika(world):
    return await world.join("mika")


@pytest.fixture
def quick_heart(monkeypatch):
    monkeypatch.setattr(job_progress, "HEARTBEAT", timedelta(milliseconds=5))


async def processing_job(world, mechanism):
    async with world.database.read() as tx:
        return (await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, mechanism.id))[0]


async def failure_of(world, mechanism):
    processing = (await world.stored(mechanism.id)).processing
    assert processing.state is ProcessingState.FAILED
    return processing.failure


async def claim(world):
    async with world.database.begin() as tx:
        return await tx.ledger.claim(LEASE)


async def claim_to_process(world):
    job = await claim(world)
    while job.kind is not JobKind.PROCESS_MECHANISM_FILE:
        job = await claim(world)
    return job


async def test_a_processed_clip_can_be_watched(world, mika):
    made = await world.create(mika)

    await world.work()

    ready = await world.stored(made.id)
    assert ready.processing == READY
    assert (ready.duration, ready.media.width, ready.media.height) == (2.4, 320, 240)
    assert (ready.media.size, ready.media.sha256) == (made.original.size, made.original.sha256)
    keys = await world.keys("media/")
    assert all(key.startswith(f"media/{made.id}/1-") for key in keys)
    assert {f"blob:{key}" for key in keys} == {
        ready.file_url,
        ready.thumbnail_url,
        ready.preview_url,
        ready.motion_url,
    }
    assert (await world.app.mechanisms.publish(mika, made.id)).mechanism.is_published
    assert (await processing_job(world, made)).state is JobState.DONE


async def test_an_empty_ledger_runs_nothing(world):
    assert await world.app.runner.run_one() is None
    assert await world.app.runner.reap() == 0


async def test_progress_can_be_watched(world, mika, monkeypatch):
    monkeypatch.setattr(job_progress, "_RECORD_DELAY", 0.0)
    made = await world.create(mika)
    seen = [await world.app.processing.get_status(mika, made.id)]

    async def look():
        async with bounded():
            while (status := await world.app.processing.get_status(mika, made.id)).step != "fetch":  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        seen.append(status)

    world.media.faults = [look]
    await world.work()
    seen.append(await world.app.processing.get_status(mika, made.id))

    states = [status.processing.state for status in seen]
    assert states == [ProcessingState.PENDING, ProcessingState.PROCESSING, ProcessingState.READY]
    assert [status.attempt for status in seen] == [0, 1, 1]
    assert seen[1].step == "fetch"
    assert seen[2].progress == 1.0


async def test_an_external_clip_has_no_progress_to_watch(world, mika):
    made = await world.external(mika)
    status = await world.app.processing.get_status(mika, made.id)
    assert (status.processing, status.attempt, status.progress) == (READY, 0, 1.0)
    with pytest.raises(NothingToRetry):
        await world.app.processing.retry(mika, made.id)


async def test_a_clip_that_breaks_the_worker_fails_after_five_attempts_with_backoff(world, mika):
    made = await world.create(mika)
    world.media.faults = [ValueError("secret detail")] * 99

    await world.work()

    assert world.media.calls == 5
    assert [delay.total_seconds() for delay in world.database.delays] == [2, 4, 8, 16]
    failure = ProcessingFailure(code=FailureCode.CRASHED, detail="ValueError")
    assert await failure_of(world, made) == failure
    job = await processing_job(world, made)
    assert (job.state, job.attempt, job.failure) == (JobState.FAILED, 5, failure)
    assert len(world.observer.crashed) == 5
    attempts = [state for job, state, _ in world.observer.ended if job.kind is JobKind.PROCESS_MECHANISM_FILE]
    assert attempts == [JobState.QUEUED] * 4 + [JobState.FAILED]


async def test_a_clip_that_breaks_the_worker_slows_no_other(world, mika):
    await world.create(mika, "poison")
    world.media.faults = [ValueError()]
    await world.work()
    other = await world.create(mika, "fine")
    await world.work()
    assert (await world.stored(other.id)).processing == READY


async def test_a_worker_error_is_retried(world, mika):
    made = await world.create(mika)
    world.media.faults = [ValueError(), MediaRejected(UNREADABLE, permanent=False)]
    await world.work()
    assert (await world.stored(made.id)).processing == READY
    assert (await processing_job(world, made)).attempt == 3


async def test_a_permanent_failure_is_not_retried(world, mika):
    made = await world.create(mika)
    world.media.faults = [MediaRejected(UNREADABLE, permanent=True)]
    await world.work()
    assert world.media.calls == 1
    assert await failure_of(world, made) == UNREADABLE
    assert world.observer.crashed == []


async def test_a_clip_that_makes_its_decoder_try_a_forbidden_call_fails_after_one_attempt(world, mika):
    forbidden = ProcessingFailure(code=FailureCode.FORBIDDEN_CALL, detail="socket")
    made = await world.create(mika)
    world.media.faults = [MediaRejected(forbidden, permanent=True)]
    await world.work()
    assert (await processing_job(world, made)).attempt == 1
    assert await failure_of(world, made) == forbidden


async def test_a_temporary_failure_keeps_its_own_reason_in_the_end(world, mika):
    made = await world.create(mika)
    world.media.faults = [MediaRejected(UNREADABLE, permanent=False)] * 99
    await world.work()
    assert world.media.calls == 5
    assert await failure_of(world, made) == UNREADABLE


@pytest.mark.parametrize(
    ("content", "code"), [(None, FailureCode.FILE_LOST), (GIF + b"x", FailureCode.FILE_ALTERED)]
)
async def test_a_stored_file_that_differs_from_the_upload_is_not_processed(world, mika, content, code):
    made = await world.create(mika)
    await world.blobs.delete(made.original.key)
    if content is not None:
        await world.blobs.write(made.original.key, chunks(content))
    await world.work()
    assert (await failure_of(world, made)).code is code
    assert world.media.calls == 0


async def test_the_owner_can_retry_a_failed_clip(world, mika):
    made = await world.create(mika)
    world.media.faults = [MediaRejected(UNREADABLE, permanent=True)]
    await world.work()
    other = await world.join("other")
    with pytest.raises(MechanismNotFound):
        await world.app.processing.retry(other, made.id)

    status = await world.app.processing.retry(mika, made.id)

    assert (status.processing, status.attempt) == (PENDING, 0)
    with pytest.raises(NothingToRetry):
        await world.app.processing.retry(mika, made.id)
    await world.work()
    assert (await world.stored(made.id)).processing == READY


async def test_a_viewer_cannot_retry_a_mechanism(world, mika):
    made = await world.published(mika)
    with pytest.raises(UnauthorizedOperation):
        await world.app.processing.retry(await world.join("other"), made.id)


async def test_an_outage_of_the_store_uses_up_no_attempts(world, mika):
    made = await world.create(mika)
    world.blobs.is_down = True
    for _ in range(10):
        assert await world.app.runner.run_one() is not None
    assert (await world.stored(made.id)).processing.state is ProcessingState.PROCESSING
    assert (await processing_job(world, made)).failure.code is FailureCode.UNAVAILABLE
    assert max(world.database.delays) <= timedelta(minutes=1)
    assert world.observer.crashed == []

    world.blobs.is_down = False
    await world.work()

    assert (await world.stored(made.id)).processing == READY


async def test_after_an_outage_all_attempts_are_left(world, mika):
    made = await world.create(mika)
    world.blobs.is_down = True
    for _ in range(10):
        await world.app.runner.run_one()
    world.blobs.is_down = False
    world.media.faults = [ValueError()] * (MAX_ATTEMPTS - 1)

    await world.work()

    assert (await world.stored(made.id)).processing == READY


async def test_an_outage_at_the_last_attempt_is_not_the_clips_fault(world, mika):
    made = await world.create(mika)
    world.media.faults = [ValueError()] * (MAX_ATTEMPTS - 1)
    while world.media.faults:
        await world.app.runner.run_one()
    world.blobs.is_down = True
    for _ in range(3):
        assert (await world.app.runner.run_one()).attempt >= MAX_ATTEMPTS
    assert (await processing_job(world, made)).state is JobState.QUEUED
    world.blobs.is_down = False

    await world.work()

    assert (await world.stored(made.id)).processing == READY


async def clips_to_retry(world, mika, count):
    """Queues `count` clips for another processing, and no other job."""
    made = [await world.create(mika) for _ in range(count)]
    world.media.faults = [MediaRejected(UNREADABLE, permanent=True)] * count
    await world.work()
    for mechanism in made:
        await world.app.processing.retry(mika, mechanism.id)


async def test_an_indexing_job_waits_for_one_clip_and_not_for_all(world, mika):
    ready = await world.external(mika)
    await clips_to_retry(world, mika, 5)
    await world.app.mechanisms.publish(mika, ready.id)

    done = [(await world.app.runner.run_one()).kind for _ in range(2)]

    assert sorted(done) == [JobKind.INDEX_MECHANISM, JobKind.PROCESS_MECHANISM_FILE]


async def test_a_clip_waits_for_one_indexing_job_and_not_for_later_ones(world, mika):
    ready = await world.external(mika)
    await world.work()
    clip = await world.create(mika)
    for number in range(5):
        await world.app.mechanisms.update_mechanism(mika, ready.id, title=f"title {number}")

    done = [await world.app.runner.run_one() for _ in range(2)]

    assert sorted(job.kind for job in done) == [JobKind.INDEX_DRAFT, JobKind.PROCESS_MECHANISM_FILE]
    assert (await world.stored(clip.id)).processing == READY


async def test_an_outage_longer_than_the_deadline_ends_the_wait(world, mika):
    made = await world.create(mika)
    world.blobs.is_down = True
    await world.app.runner.run_one()
    await world.app.runner.run_one()
    world.clock.advance(DEADLINE)

    await world.work()

    assert await failure_of(world, made) == ProcessingFailure(
        code=FailureCode.DEADLINE_PASSED, detail="unavailable"
    )


async def test_a_clip_that_waited_beyond_its_deadline_is_still_tried_once(world, mika):
    made = await world.create(mika)
    world.clock.advance(2 * DEADLINE)
    await world.work()
    assert (await world.stored(made.id)).processing == READY


async def test_the_clip_of_a_worker_without_heartbeat_is_reaped(world, mika):
    made = await world.create(mika)
    world.database.lease = OVER_AT_ONCE
    await claim_to_process(world)

    assert await world.app.runner.reap() >= 1

    world.database.lease = None
    await world.work()
    assert (await world.stored(made.id)).processing == READY
    assert (await processing_job(world, made)).attempt == 2


async def test_a_clip_whose_worker_is_lost_each_time_fails_with_that_reason(world, mika):
    made = await world.create(mika)
    await world.app.runner.run_one()
    world.database.lease = OVER_AT_ONCE
    for attempt in range(1, 6):
        job = await claim_to_process(world)
        assert job.attempt == attempt
        await world.app.runner.reap()

    assert (await failure_of(world, made)).code is FailureCode.WORKER_LOST
    assert (await processing_job(world, made)).state is JobState.FAILED
    assert [delay.total_seconds() for delay in world.database.delays][-4:] == [2, 4, 8, 16]


async def test_the_reaper_invalidates_caches(world, mika):
    made = await world.create(mika)
    await world.app.runner.run_one()
    world.database.lease = OVER_AT_ONCE
    await claim(world)

    async def stored_original(body):
        async def load():
            return body

        group = mechanism_tag(made.id)
        return await world.adapters.cache.get_or_load(group, "k", load, timedelta(hours=1))

    assert await stored_original(b"before") == await stored_original(b"again") == b"before"
    world.clock.advance(DEADLINE)
    await world.app.runner.reap()
    assert (await world.stored(made.id)).processing.state is ProcessingState.FAILED
    assert await stored_original(b"after") == b"after"


async def test_a_running_job_is_not_reaped(world, mika):
    await world.create(mika)
    await claim(world)
    assert await world.app.runner.reap() == 0


async def take_away(world):
    """Reaps the expired lease and lets another worker run the whole job."""
    await world.app.runner.reap()
    world.database.lease = None
    await world.work()


async def test_the_result_of_a_worker_that_lost_its_lease_is_not_published(world, mika, monkeypatch):
    # The other worker works within the first one, whose heartbeat must not end it.
    monkeypatch.setattr(job_progress, "_RECORD_DELAY", 60.0)
    made = await world.create(mika)
    await world.app.runner.run_one()
    world.database.lease = OVER_AT_ONCE
    world.blobs.after_write = lambda: take_away(world)

    await world.app.runner.run_one()

    ready = await world.stored(made.id)
    assert ready.processing == READY
    assert ready.file_url.startswith(f"blob:media/{made.id}/2-")
    job = await processing_job(world, made)
    assert (job.state, job.attempt, job.fence) == (JobState.DONE, 2, 2)
    done = [
        job.fence
        for job, state, _ in world.observer.ended
        if job.kind is JobKind.PROCESS_MECHANISM_FILE and state is JobState.DONE
    ]
    assert done == [2]
    assert [(job.id, job.fence) for job in world.observer.lost] == [(job.id, 1)]


@pytest.mark.parametrize("fault", [None, ValueError(), MediaRejected(UNREADABLE, permanent=True)])
async def test_a_worker_suspended_before_it_began_undoes_nothing_on_resuming(world, mika, fault):
    made = await world.create(mika)
    await world.app.runner.run_one()
    world.database.lease = OVER_AT_ONCE
    if fault is not None:
        world.media.faults = [take_away_then(world, fault)]
    else:
        world.database.after_claim = lambda: take_away(world)

    await world.app.runner.run_one()

    ready = await world.stored(made.id)
    assert ready.processing == READY
    assert (await processing_job(world, made)).state is JobState.DONE
    assert (await world.app.mechanisms.publish(mika, made.id)).mechanism.is_published


def take_away_then(world, fault):
    async def happens():
        await take_away(world)
        raise fault

    return happens


async def test_a_missed_heartbeat_is_not_a_lost_lease(world, mika, quick_heart):
    made = await world.create(mika)

    async def outage():
        world.database.is_down = True
        for _ in range(3):
            await world.database.refused.acquire()
        world.database.is_down = False

    world.media.faults = [outage]
    await world.work()

    assert (await world.stored(made.id)).processing == READY
    assert (await processing_job(world, made)).attempt == 1


async def test_a_worker_whose_job_was_cancelled_stops_at_its_next_heartbeat(world, mika, quick_heart):
    made = await world.create(mika)
    was_stopped = False

    async def cancelled_meanwhile():
        nonlocal was_stopped
        await world.app.jobs.cancel((await processing_job(world, made)).id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_stopped = True
            raise

    world.media.faults = [cancelled_meanwhile]
    await world.work()

    assert was_stopped
    assert (await failure_of(world, made)).code is FailureCode.CANCELLED
    await world.app.processing.retry(mika, made.id)
    await world.work()
    assert (await world.stored(made.id)).processing == READY


async def test_a_worker_that_shuts_down_releases_its_job(world, mika):
    made = await world.create(mika)
    world.database.lease = OVER_AT_ONCE
    await world.app.runner.run_one()
    begun = asyncio.Event()

    async def endless():
        begun.set()
        await asyncio.Event().wait()

    world.media.faults = [endless]
    working = asyncio.create_task(world.app.runner.run_one())
    await begun.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert (await processing_job(world, made)).state is JobState.RUNNING

    await take_away(world)

    assert (await world.stored(made.id)).processing == READY


async def test_a_mechanism_deleted_while_it_is_processed_leaves_no_file(world, mika):
    made = await world.create(mika)

    async def deleted():
        await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)

    world.media.faults = [deleted]
    await world.work()

    assert await world.stored(made.id) is None
    assert await world.keys() == []
    assert (await processing_job(world, made)).state is JobState.CANCELLED


async def test_files_stored_after_the_cleanup_of_their_mechanism_are_deleted(world, mika):
    made = await world.create(mika)

    async def deleted_and_removed():
        await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
        await world.work()

    world.blobs.after_write = deleted_and_removed
    await world.work()

    assert await world.keys() == []


async def test_changes_by_the_owner_meanwhile_are_preserved(world, mika):
    made = await world.create(mika)

    async def renamed():
        await world.app.mechanisms.update_mechanism(mika, made.id, title="renamed")

    world.media.faults = [renamed]
    await world.work()

    ready = await world.stored(made.id)
    assert (ready.title, ready.processing) == ("renamed", READY)


async def test_many_workers_share_the_jobs_and_run_none_twice(world, mika):
    made = [await world.create(mika, f"title {number}") for number in range(6)]

    async def worker():
        while await world.app.runner.run_one() is not None:
            pass

    await asyncio.gather(*(worker() for _ in range(4)))

    assert world.media.calls == len(made)
    assert {(await world.stored(mechanism.id)).processing for mechanism in made} == {READY}


@pytest.mark.parametrize("fault", [None, ValueError(), MediaRejected(UNREADABLE, permanent=True)])
async def test_nothing_is_left_in_the_scratch_folder(world, mika, fault):
    await world.create(mika)
    world.media.faults = [fault] if fault else []
    await world.work()
    assert list((world.app.settings.data / "scratch").iterdir()) == []


async def test_another_users_clip_waits_for_at_most_one_of_many(world, mika):
    await world.work()
    await asyncio.gather(*(world.create(mika) for _ in range(4)))
    ren = await world.join("ren")

    first = await claim_to_process(world)
    made = await world.create(ren)
    second = await claim_to_process(world)

    assert (first.owner, second.owner) == (mika.id, ren.id)
    assert second.subject == made.id


async def test_a_retry_counts_as_an_unfinished_clip(world, mika):
    failed = await world.create(mika)
    world.media.faults.append(MediaRejected(UNREADABLE, permanent=True))
    await world.work()
    for _ in range(world.app.settings.unfinished_clips_per_user):
        await world.create(mika)

    with pytest.raises(TooManyUnfinishedClips):
        await world.app.processing.retry(mika, failed.id)

    assert (await world.stored(failed.id)).processing.state is ProcessingState.FAILED
