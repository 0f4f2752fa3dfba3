"""The contract suite of databases: jobs."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import MAX_ATTEMPTS_LISTED, Attempt, Backlog, Job, JobKind, JobState, new_job
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.pagination import PageRequest
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import LEASE, NOW, claim, enqueue, new_id


async def test_a_job_is_claimed_under_a_new_fence(database: Database) -> None:
    (job,) = await enqueue(database)
    claimed = await claim(database)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempt, claimed.fence) == (job.id, JobState.RUNNING, 1, 1)
    assert claimed.request_id == "r"
    assert await claim(database) is None


async def test_each_job_is_claimed_once_by_concurrent_workers(database: Database) -> None:
    jobs = await enqueue(database, 10)
    async with bounded():
        claimed = await asyncio.gather(*(claim(database) for _ in range(15)))
    assert sorted(job.id for job in claimed if job) == sorted(job.id for job in jobs)


async def test_a_write_under_an_old_fence_changes_nothing(database: Database) -> None:
    await enqueue(database)
    first = await claim(database)
    assert first is not None
    async with database.begin() as tx:
        assert await tx.ledger.postpone(first.id, first.fence, timedelta(0))
    second = await claim(database)
    assert second is not None
    async with database.begin() as tx:
        assert not await tx.ledger.renew(first.id, first.fence, LEASE, "late", 1.0)
        assert not await tx.ledger.finish(first.id, first.fence, JobState.DONE)
        assert not await tx.ledger.postpone(first.id, first.fence, timedelta(0))
        assert await tx.jobs.find_by_id(first.id) == second
        assert await tx.ledger.renew(second.id, second.fence, LEASE, "video", 0.5)
        assert await tx.ledger.finish(second.id, second.fence, JobState.DONE)
        assert not await tx.ledger.finish(second.id, second.fence, JobState.DONE)
        ended = await tx.jobs.find_by_id(first.id)
    assert ended is not None
    assert (ended.state, ended.attempt, ended.step, ended.progress) == (JobState.DONE, 2, "video", 1.0)
    assert ended.ended_at is not None


async def test_a_postponed_job_is_not_due_before_its_time_and_keeps_its_reason(database: Database) -> None:
    await enqueue(database)
    job = await claim(database)
    assert job is not None
    failure = ProcessingFailure(code=FailureCode.CRASHED, detail="exit status 1")
    async with database.begin() as tx:
        await tx.ledger.postpone(job.id, job.fence, timedelta(hours=1), failure)
        waiting = await tx.jobs.find_by_id(job.id)
    assert waiting is not None
    assert (waiting.state, waiting.failure) == (JobState.QUEUED, failure)
    assert await claim(database) is None


async def test_an_expired_lease_is_found_and_a_live_one_is_not(database: Database) -> None:
    await enqueue(database, 2)
    expired = await claim(database, timedelta(milliseconds=-1))
    live = await claim(database)
    assert expired is not None
    assert live is not None
    async with database.read() as tx:
        assert [job.id for job in await tx.ledger.find_expired(10)] == [expired.id]


async def test_times_from_before_the_clock_was_set_back_are_corrected(database: Database) -> None:
    waiting, running = await enqueue(database, 2)
    hour = timedelta(hours=1)
    async with database.begin() as tx:
        first = await tx.ledger.claim(LEASE)
        second = await tx.ledger.claim(LEASE)
        assert first is not None
        assert second is not None
        assert await tx.ledger.postpone(first.id, first.fence, hour)
        assert await tx.ledger.renew(second.id, second.fence, hour, "video", 0.5)
    assert await claim(database) is None
    async with database.begin() as tx:
        assert await tx.ledger.pull_back(due_within=timedelta(minutes=1), lease=timedelta(0)) == 2
    again = await claim(database)
    assert again is not None
    assert {waiting.id, running.id} == {again.id, second.id}
    async with database.begin() as tx:
        assert [job.id for job in await tx.ledger.find_expired(limit=10) if job.id == second.id] == [
            second.id
        ]
        assert await tx.ledger.renew(second.id, second.fence, LEASE, "video", 0.6)
        assert await tx.ledger.pull_back(due_within=timedelta(minutes=1), lease=LEASE * 2) == 0


async def test_a_cancelled_job_cannot_be_finished(database: Database) -> None:
    (job,) = await enqueue(database)
    running = await claim(database)
    assert running is not None
    async with database.begin() as tx:
        assert await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, "m") == 1
        assert await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, "m") == 0
        assert not await tx.ledger.finish(job.id, running.fence, JobState.DONE)
        assert await tx.jobs.find_backlog() == {}


async def test_the_latest_job_of_a_subject_is_found_and_all_are_listed(database: Database) -> None:
    first, second = await enqueue(database, 2)
    await enqueue(database, 1, subject="other")
    async with database.read() as tx:
        (latest,) = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, "m")
        assert latest.id == max(first.id, second.id)
        assert await tx.jobs.find_latest(JobKind.INDEX_MECHANISM, "m") == ()
        each = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, "m", "other", "none")
        assert sorted(job.subject for job in each) == ["m", "other"]
        assert latest in each
        assert await tx.jobs.find_latest(JobKind.INDEX_MECHANISM, "m", "other") == ()
        assert await tx.jobs.find_latest(JobKind.INDEX_MECHANISM) == ()
        assert (await tx.jobs.find_all(PageRequest(), state=JobState.QUEUED)).total == 3
        assert (await tx.jobs.find_all(PageRequest(), state=JobState.DONE)).total == 0


async def test_the_job_due_longest_is_claimed_first(database: Database) -> None:
    jobs = await enqueue(database, 3)
    first = await claim(database)
    assert first is not None
    async with database.begin() as tx:
        await tx.ledger.postpone(first.id, first.fence, timedelta(days=-1))
    again = await claim(database)
    assert again is not None
    assert (again.id, again.fence, again.attempt) == (first.id, 2, 2)
    others = [await claim(database), await claim(database)]
    assert [job.id for job in others if job] == sorted(job.id for job in jobs if job.id != first.id)


async def test_a_claim_can_leave_out_index_jobs(database: Database) -> None:
    (clip,) = await enqueue(database)
    async with database.begin() as tx:
        await tx.ledger.add(replace(clip, id=JobId(new_id()), kind=JobKind.INDEX_DRAFT))
        claimed = [await tx.ledger.claim(LEASE, may_index=False) for _ in range(2)]
        assert [job and job.id for job in claimed] == [clip.id, None]
        index_job = await tx.ledger.claim(LEASE)
    assert index_job is not None
    assert index_job.kind is JobKind.INDEX_DRAFT


async def test_the_owner_least_recently_served_is_next(database: Database) -> None:
    owners = ["a", "a", "a", "a", "b", "c", "b"]
    jobs = [replace(job, owner=owner) for job, owner in zip(_unsaved(7), owners, strict=True)]
    async with database.begin() as tx:
        await tx.ledger.add(*jobs)
    claimed = [await claim(database) for _ in jobs]
    assert [job.owner for job in claimed if job] == ["a", "b", "c", "a", "b", "a", "a"]


async def test_a_new_owner_is_served_before_the_second_job_of_another(database: Database) -> None:
    early, late = _unsaved(4), _unsaved(1)
    async with database.begin() as tx:
        await tx.ledger.add(*(replace(job, owner="a") for job in early))
    first = await claim(database)
    async with database.begin() as tx:
        await tx.ledger.add(*(replace(job, owner="b") for job in late))
    second = await claim(database)
    assert [job and job.owner for job in (first, second)] == ["a", "b"]


async def test_a_claim_waits_for_a_concurrent_one_before_it_chooses_the_next_owner(
    database: Database,
) -> None:
    owners = ["a", "a", "b"]
    async with database.begin() as tx:
        await tx.ledger.add(*(replace(job, owner=one) for job, one in zip(_unsaved(3), owners, strict=True)))
    async with database.begin() as tx:
        first = await tx.ledger.claim(LEASE)
        claiming = asyncio.create_task(claim(database))
        await asyncio.wait({claiming}, timeout=0.2)  # a claim that doesn't wait ends meanwhile
    async with bounded():
        second = await claiming
    assert [job and job.owner for job in (first, second)] == ["a", "b"]


async def test_concurrent_claims_serve_different_owners(database: Database) -> None:
    owners = ["a", "a", "a", "b", "c", "b", "c", "a"]
    async with database.begin() as tx:
        await tx.ledger.add(*(replace(job, owner=one) for job, one in zip(_unsaved(8), owners, strict=True)))
    async with bounded():
        claimed = await asyncio.gather(*(claim(database) for _ in range(3)))
    assert sorted(job.owner for job in claimed if job) == ["a", "b", "c"]


async def test_a_retried_job_takes_its_owners_turn(database: Database) -> None:
    async with database.begin() as tx:
        await tx.ledger.add(*(replace(job, owner="a") for job in _unsaved(2)))
        await tx.ledger.add(*(replace(job, owner="b") for job in _unsaved(1)))
    first = await claim(database)
    assert first is not None
    async with database.begin() as tx:
        await tx.ledger.postpone(first.id, first.fence, timedelta(days=-1))
    second = await claim(database)
    assert (first.owner, second and second.owner) == ("a", "b")


def _unsaved(number: int) -> list[Job]:
    return [
        new_job(JobId(new_id()), JobKind.PROCESS_MECHANISM_FILE, f"m{index}", now=NOW)
        for index in range(number)
    ]


async def test_due_times_follow_the_databases_clock(database: Database) -> None:
    job = new_job(JobId(new_id()), JobKind.DELETE_BLOBS, "a/b.mp4", now=NOW + timedelta(days=36_500))
    async with database.begin() as tx:
        await tx.ledger.add(job)
    claimed = await claim(database)
    assert claimed is not None
    assert (claimed.id, claimed.created_at) == (job.id, job.created_at)


async def test_jobs_are_added_together_and_pending_ones_are_skipped(database: Database) -> None:
    jobs = [new_job(JobId(new_id()), JobKind.INDEX_MECHANISM, subject, now=NOW) for subject in "aba"]
    async with database.begin() as tx:
        await tx.ledger.add(*jobs[:2])
        await tx.ledger.add(*jobs[1:], unless_pending=True)
        await tx.ledger.add()
    claimed = [await claim(database) for _ in range(3)]
    assert {job.id for job in claimed if job} == {job.id for job in jobs[:2]}


async def test_a_lease_expires(database: Database) -> None:
    await enqueue(database)
    claimed = await claim(database, timedelta(milliseconds=50))
    assert claimed is not None
    async with bounded():
        while True:
            async with database.read() as tx:
                expired = await tx.ledger.find_expired(10)
            if expired:
                break
            await asyncio.sleep(0.01)
    assert expired == (claimed,)


async def test_a_renewed_lease_does_not_expire(database: Database) -> None:
    await enqueue(database)
    claimed = await claim(database, timedelta(milliseconds=-1))
    assert claimed is not None
    async with database.begin() as tx:
        assert await tx.ledger.renew(claimed.id, claimed.fence, LEASE, "動画", 0.25)
        assert await tx.ledger.find_expired(10) == ()
        found = await tx.jobs.find_by_id(claimed.id)
    assert found is not None
    assert (found.step, found.progress) == ("動画", 0.25)


async def test_expired_leases_are_found_longest_expired_first_up_to_the_limit(database: Database) -> None:
    await enqueue(database, 3)
    leases = [timedelta(seconds=-seconds) for seconds in (10, 30, 20)]
    claimed = [await claim(database, lease) for lease in leases]
    async with database.read() as tx:
        found = await tx.ledger.find_expired(2)
    assert found == (claimed[1], claimed[2])


async def test_one_of_many_concurrent_reapers_takes_a_job_back(database: Database) -> None:
    await enqueue(database)
    lost = await claim(database, timedelta(milliseconds=-1))
    assert lost is not None

    async def take_back() -> bool:
        async with database.begin() as tx:
            return await tx.ledger.postpone(lost.id, lost.fence, timedelta(0))

    async with bounded():
        assert sum(await asyncio.gather(*(take_back() for _ in range(10)))) == 1


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_a_failed_job_keeps_its_failure_and_progress(database: Database, state: JobState) -> None:
    await enqueue(database)
    job = await claim(database)
    assert job is not None
    failure = ProcessingFailure(code=FailureCode.WORKER_LOST, detail="五回目")
    async with database.begin() as tx:
        await tx.ledger.renew(job.id, job.fence, LEASE, "video", 0.5)
        assert await tx.ledger.finish(job.id, job.fence, state, failure)
        ended = await tx.jobs.find_by_id(job.id)
    assert ended is not None
    assert (ended.state, ended.failure, ended.progress, ended.lease_until) == (state, failure, 0.5, None)
    assert ended.ended_at is not None
    assert await claim(database) is None


async def test_a_waiting_job_can_be_cancelled_and_an_ended_one_cannot(database: Database) -> None:
    (done,) = await enqueue(database, subject="m")
    claimed = await claim(database)
    assert claimed is not None
    async with database.begin() as tx:
        await tx.ledger.finish(done.id, claimed.fence, JobState.DONE)
    (waiting,) = await enqueue(database, subject="m")
    (other,) = await enqueue(database, subject="n")
    async with database.begin() as tx:
        assert await tx.jobs.cancel(JobKind.INDEX_MECHANISM, "m") == 0
        assert await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE) == 0
        assert await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, "m", "no-such") == 1
        states = {id: await tx.jobs.find_by_id(id) for id in (done.id, waiting.id, other.id)}
    assert [job.state for job in states.values() if job] == [
        JobState.DONE,
        JobState.CANCELLED,
        JobState.QUEUED,
    ]


async def test_undone_jobs_are_found_by_subject_until_they_are_done(database: Database) -> None:
    kind = JobKind.INDEX_MECHANISM
    jobs = [new_job(JobId(new_id()), kind, subject, now=NOW) for subject in "aabc"]
    async with database.begin() as tx:
        await tx.ledger.add(*jobs, new_job(JobId(new_id()), JobKind.INDEX_DRAFT, "d", now=NOW))
        assert sorted(await tx.undone_jobs.find_subjects(kind, 10)) == ["a", "b", "c"]
        assert len(set(await tx.undone_jobs.find_subjects(kind, 2))) == 2
        claimed = {job.id: job for job in await tx.job_batches.claim(kind, LEASE, limit=9)}
        assert sorted(await tx.undone_jobs.find_subjects(kind, 10)) == ["a", "b", "c"]
        ends = (JobState.DONE, JobState.DONE, JobState.FAILED, JobState.CANCELLED)
        for job, end in zip(jobs, ends, strict=True):
            await tx.ledger.finish(job.id, claimed[job.id].fence, end)
    async with database.read() as tx:
        assert sorted(await tx.undone_jobs.find_subjects(kind, 10)) == ["b", "c"]
        assert await tx.undone_jobs.find_subjects(JobKind.INDEX_DRAFT, 10) == ("d",)


async def test_failed_and_cancelled_jobs_of_a_kind_are_revived(database: Database) -> None:
    kind = JobKind.INDEX_MECHANISM
    jobs = [new_job(JobId(new_id()), kind, subject, now=NOW) for subject in "abcd"]
    other = new_job(JobId(new_id()), JobKind.SWEEP, "*", now=NOW)
    async with database.begin() as tx:
        await tx.ledger.add(other, *jobs)
        await tx.jobs.cancel(JobKind.SWEEP, "*")
        claimed = {job.id: job for job in await tx.job_batches.claim(kind, LEASE, limit=3)}
        for id, end in zip(claimed, (JobState.FAILED, JobState.CANCELLED, JobState.DONE), strict=True):
            await tx.ledger.finish(id, claimed[id].fence, end)
        assert await tx.undone_jobs.revive(kind) == 2
        assert await tx.undone_jobs.revive(kind) == 0
    async with database.begin() as tx:
        again = [job.id for job in await tx.job_batches.claim(kind, LEASE, limit=9)]
        assert set(list(claimed)[:2]) < set(again)
        assert len(again) == 3
        cancelled = await tx.jobs.find_by_id(other.id)
    assert cancelled is not None
    assert cancelled.state is JobState.CANCELLED


async def test_index_jobs_have_no_deadline(database: Database) -> None:
    async with database.begin() as tx:
        await tx.ledger.add(new_job(JobId(new_id()), JobKind.INDEX_MECHANISM, "a", now=NOW))
        await tx.ledger.add(new_job(JobId(new_id()), JobKind.INDEX_DRAFT, "a", now=NOW))
        assert await tx.ledger.claim(LEASE, created_before=NOW + timedelta(days=2)) is None


async def test_jobs_are_listed_once_each_newest_first(database: Database) -> None:
    jobs = await enqueue(database, 7)
    first = await claim(database)
    assert first is not None
    expected = sorted((job.id for job in jobs), reverse=True)
    for state, wanted in ((None, expected), (JobState.QUEUED, [id for id in expected if id != first.id])):
        listed: list[str] = []
        request: PageRequest | None = PageRequest(limit=2)
        while request is not None:
            async with database.read() as tx:
                page = await tx.jobs.find_all(request, state=state)
            listed += [job.id for job in page.items]
            request = PageRequest(limit=2, after=page.next) if page.next else None
        assert listed == wanted
        assert page.total == len(wanted)


async def test_one_of_many_concurrent_adds_unless_pending_succeeds_until_the_job_ends(
    database: Database,
) -> None:
    async def enqueue_sweep() -> None:
        async with database.begin() as tx:
            job = new_job(JobId(new_id()), JobKind.SWEEP, "*", now=NOW)
            await tx.ledger.add(job, unless_pending=True)

    async with bounded():
        await asyncio.gather(*(enqueue_sweep() for _ in range(10)))
    first = await claim(database)
    await enqueue_sweep()
    assert first is not None
    assert await claim(database) is None
    async with database.begin() as tx:
        await tx.ledger.finish(first.id, first.fence, JobState.DONE)
    await enqueue_sweep()
    second = await claim(database)
    assert second is not None
    assert second.id != first.id


async def test_the_oldest_job_created_before_a_time_is_claimed_even_if_not_due(
    database: Database,
) -> None:
    old, older, new = (
        new_job(JobId(new_id()), JobKind.SWEEP, "*", now=NOW + timedelta(hours=hours)) for hours in (1, 0, 9)
    )
    async with database.begin() as tx:
        for job in (old, older, new):
            await tx.ledger.add(job)
    for _ in range(3):
        claimed = await claim(database)
        assert claimed is not None
        async with database.begin() as tx:
            await tx.ledger.postpone(claimed.id, claimed.fence, timedelta(days=1))

    async def claim_old() -> Job | None:
        async with database.begin() as tx:
            return await tx.ledger.claim(LEASE, created_before=NOW + timedelta(hours=5))

    first, second = await claim_old(), await claim_old()
    assert first is not None
    assert second is not None
    assert [first.id, second.id, await claim_old()] == [older.id, old.id, None]
    assert (first.state, first.fence, second.fence) == (JobState.RUNNING, 2, 2)


async def test_earlier_attempts_are_recorded(database: Database) -> None:
    (job,) = await enqueue(database)
    failures = [ProcessingFailure(code=FailureCode.CRASHED, detail=f"{n} 回目") for n in (1, 2)]
    for failure in failures:
        claimed = await claim(database)
        assert claimed is not None
        assert claimed.last_attempt is not None
        async with database.begin() as tx:
            await tx.ledger.renew(job.id, claimed.fence, LEASE, "動画", 0.5)
            assert await tx.ledger.postpone(job.id, claimed.fence, timedelta(0), failure)
            assert not await tx.ledger.postpone(job.id, claimed.fence, timedelta(0), failure)
    last = await claim(database)
    assert last is not None
    async with database.begin() as tx:
        await tx.ledger.finish(job.id, last.fence, JobState.DONE)
    async with database.read() as tx:
        attempts = await tx.jobs.find_attempts(job.id)
        ended = await tx.jobs.find_by_id(job.id)
        assert await tx.jobs.find_attempts(JobId(new_id())) == ()
    assert [(one.number, one.step, one.failure) for one in attempts] == [
        (1, "動画", failures[0]),
        (2, "動画", failures[1]),
    ]
    assert all(one.ended_at and one.started_at <= one.ended_at for one in attempts)
    assert ended is not None
    assert ended.last_attempt == Attempt(
        number=3, started_at=_known(last.started_at), ended_at=ended.ended_at, step="", failure=None
    )


async def test_of_many_attempts_the_last_ones_are_listed(database: Database) -> None:
    (job,) = await enqueue(database)
    for _ in range(MAX_ATTEMPTS_LISTED + 3):
        claimed = await claim(database)
        assert claimed is not None
        async with database.begin() as tx:
            await tx.ledger.postpone(job.id, claimed.fence, timedelta(0))
    async with database.read() as tx:
        attempts = await tx.jobs.find_attempts(job.id)
    assert [one.number for one in attempts] == list(range(4, MAX_ATTEMPTS_LISTED + 4))


async def test_the_backlog_counts_jobs_that_have_not_ended(database: Database) -> None:
    await enqueue(database, 3)
    running, done = await claim(database), await claim(database)
    assert running is not None
    assert done is not None
    index = new_job(JobId(new_id()), JobKind.INDEX_MECHANISM, "m", now=NOW - timedelta(hours=2))
    async with database.begin() as tx:
        await tx.ledger.finish(done.id, done.fence, JobState.DONE)
        await tx.ledger.add(index)
        assert await tx.jobs.find_backlog() == {
            (JobKind.PROCESS_MECHANISM_FILE, JobState.RUNNING): Backlog(count=1, oldest=NOW),
            (JobKind.PROCESS_MECHANISM_FILE, JobState.QUEUED): Backlog(count=1, oldest=NOW),
            (JobKind.INDEX_MECHANISM, JobState.QUEUED): Backlog(count=1, oldest=index.created_at),
        }


async def test_jobs_that_ended_long_ago_are_deleted_with_their_attempts_and_no_others(
    database: Database,
) -> None:
    jobs = await enqueue(database, 5)
    again = await claim(database)
    assert again is not None
    async with database.begin() as tx:
        await tx.ledger.postpone(again.id, again.fence, timedelta(days=-1))
    for state in (JobState.DONE, JobState.DONE, JobState.FAILED):
        claimed = await claim(database)
        assert claimed is not None
        async with database.begin() as tx:
            await tx.ledger.finish(claimed.id, claimed.fence, state)
    later, long_ago = await database.now() + timedelta(days=1), NOW - timedelta(days=9_999)
    async with database.begin() as tx:
        assert await tx.jobs.delete_ended(long_ago, state=JobState.DONE, limit=9) == 0
        assert await tx.jobs.delete_ended(later, state=JobState.DONE, limit=1) == 1
        assert await tx.jobs.delete_ended(later, state=JobState.DONE, limit=9) == 1
        assert await tx.jobs.delete_ended(later, state=JobState.DONE, limit=9) == 0
        left = (await tx.jobs.find_all(PageRequest())).items
        assert await tx.jobs.find_attempts(again.id) == ()
    assert sorted(job.state for job in left) == [JobState.FAILED, JobState.QUEUED, JobState.QUEUED]
    assert {job.id for job in left} < {job.id for job in jobs}


def _known(time: datetime | None) -> datetime:
    assert time is not None
    return time
