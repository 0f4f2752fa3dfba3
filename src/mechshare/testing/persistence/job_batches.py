"""The contract suite of databases: batches of jobs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind, JobState, new_job
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import LEASE, NOW, claim, enqueue, new_id


async def test_the_job_of_a_kind_due_longest_is_claimed_first(database: Database) -> None:
    clips = await enqueue(database, 2)
    changes = [replace(job, id=JobId(new_id()), kind=JobKind.INDEX_MECHANISM) for job in clips]
    async with database.begin() as tx:
        await tx.ledger.add(*changes)
        claimed = await tx.job_batches.claim(JobKind.INDEX_MECHANISM, LEASE, limit=1)
        claimed += await tx.job_batches.claim(JobKind.INDEX_MECHANISM, LEASE, limit=3)
        assert await tx.job_batches.claim(JobKind.INDEX_MECHANISM, LEASE, limit=3) == ()
    assert [job.id for job in claimed] == [job.id for job in changes]
    assert {(job.state, job.attempt, job.fence) for job in claimed} == {(JobState.RUNNING, 1, 1)}
    later = await claim(database)
    assert later is not None
    assert later.id == clips[0].id


async def test_concurrent_claims_of_batches_share_the_jobs(database: Database) -> None:
    async def claim_two() -> tuple[Job, ...]:
        async with database.begin() as tx:
            return await tx.job_batches.claim(JobKind.PROCESS_MECHANISM_FILE, LEASE, limit=2)

    jobs = await enqueue(database, 5)
    async with bounded():
        batches = await asyncio.gather(*(claim_two() for _ in range(4)))
    assert sorted(job.id for batch in batches for job in batch) == sorted(job.id for job in jobs)
    assert max(map(len, batches)) == 2


async def test_a_batch_ends_those_jobs_whose_lease_is_held(database: Database) -> None:
    jobs = await enqueue(database, 4)
    kind = JobKind.PROCESS_MECHANISM_FILE
    async with database.begin() as tx:
        held, again, lost, done = await tx.job_batches.claim(kind, LEASE, limit=4)
        await tx.ledger.postpone(again.id, again.fence, timedelta(0))
        await tx.ledger.postpone(lost.id, lost.fence, timedelta(0))
        await tx.ledger.finish(done.id, done.fence, JobState.DONE)
        await tx.job_batches.claim(kind, LEASE, limit=2)
        leases = [(held.id, held.fence), (again.id, again.fence + 1), (lost.id, lost.fence)]
        assert await tx.job_batches.finish([*leases, (done.id, done.fence)]) == {held.id, again.id}
        assert await tx.job_batches.finish([]) == frozenset()
        states = [(await tx.jobs.find_by_id(job.id), job.id == lost.id) for job in jobs]
    assert all(job and (job.state is JobState.RUNNING) is is_lost for job, is_lost in states)
    assert all(job and job.progress == 1.0 and job.ended_at for job, is_lost in states if not is_lost)


async def test_a_claim_of_a_kind_can_be_limited_to_jobs_due_for_a_time(database: Database) -> None:
    kind = JobKind.INDEX_MECHANISM
    async with database.begin() as tx:
        await tx.ledger.add(new_job(JobId(new_id()), kind, "a", now=NOW))
        assert await tx.job_batches.claim(kind, LEASE, limit=1, due_for=timedelta(hours=1)) == ()
        assert len(await tx.job_batches.claim(kind, LEASE, limit=1, due_for=timedelta(0))) == 1
