"""The contract suite of databases: transactions."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.ids import JobId
from mechshare.domain.pagination import PageRequest
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import LEASE, a_mechanism, a_user, enqueue, new_id, save_user


async def test_a_transaction_commits_on_a_clean_exit(database: Database) -> None:
    user = await save_user(database)
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user


async def test_at_least_one_read_runs_at_a_time(database: Database) -> None:
    assert database.reads_at_a_time >= 1


async def test_an_exception_rolls_the_transaction_back(database: Database) -> None:
    user = await save_user(database)

    async def change_and_fail() -> None:
        async with database.begin() as tx:
            await tx.users.save(replace(user, bio="changed"))
            await tx.mechanisms.save(a_mechanism(user))
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user
        assert (await tx.mechanisms.find_all(PageRequest())).total == 0


async def test_a_transaction_sees_its_own_writes_and_readers_do_not(database: Database) -> None:
    user = a_user()
    async with database.begin() as tx:
        await tx.users.save(user)
        assert await tx.users.find_by_id(user.id) is not None
        async with database.read() as reader:
            assert await reader.users.find_by_id(user.id) is None


async def test_reading_refuses_to_write(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.read() as tx:
            await tx.users.save(a_user())


async def test_readers_see_what_was_committed_since_they_began(database: Database) -> None:
    user = a_user()
    async with database.read() as reader:
        assert await reader.users.find_by_id(user.id) is None
        async with database.begin() as tx:
            await tx.users.save(user)
        assert await reader.users.find_by_id(user.id) is not None


@pytest.mark.parametrize("kind", ["begin", "read"])
async def test_an_ended_unit_of_work_refuses_every_call(database: Database, kind: str) -> None:
    user = await save_user(database)
    async with getattr(database, kind)() as tx:
        pass
    with pytest.raises(RuntimeError):
        await tx.users.find_by_id(user.id)
    with pytest.raises(RuntimeError):
        await tx.users.save(replace(user, bio="changed"))
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user


async def test_a_cancelled_transaction_rolls_back_and_the_next_one_works(database: Database) -> None:
    user, saved = a_user(), asyncio.Event()

    async def save_and_wait() -> None:
        async with database.begin() as tx:
            await tx.users.save(user)
            saved.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(save_and_wait())
    async with bounded():
        await saved.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with bounded():
            await writing
    other = await save_user(database)
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) is None
        assert await tx.users.find_by_id(other.id) == other


async def test_writers_take_turns(database: Database) -> None:
    user = await save_user(database)

    async def count() -> None:
        async with database.begin() as tx:
            found = await tx.users.find_by_id(user.id)
            assert found is not None
            await asyncio.sleep(0)
            await tx.users.save(replace(found, bio=str(int(found.bio or 0) + 1)))

    async with bounded():
        await asyncio.gather(*(count() for _ in range(20)))
    async with database.read() as tx:
        found = await tx.users.find_by_id(user.id)
    assert found == replace(user, bio="20", version=21)


async def test_a_job_enqueued_in_a_rolled_back_transaction_does_not_exist(database: Database) -> None:
    (enqueued,) = await enqueue(database)

    async def enqueue_and_fail() -> None:
        async with database.begin() as tx:
            await tx.ledger.add(replace(enqueued, id=JobId(new_id())))
            raise LookupError

    with pytest.raises(LookupError):
        await enqueue_and_fail()
    async with database.begin() as tx:
        claimed = await tx.ledger.claim(LEASE)
        assert claimed is not None
        assert claimed.id == enqueued.id
        assert await tx.ledger.claim(LEASE) is None


async def test_jobs_become_due_by_the_databases_clock(database: Database) -> None:
    before = await database.now()
    await enqueue(database)
    after = await database.now()
    async with database.read() as tx:
        (job,) = (await tx.jobs.find_all(PageRequest())).items
    assert before.utcoffset() == timedelta(0)
    assert before <= job.run_after <= after


async def test_migrating_and_checking_a_database_in_use_changes_nothing(database: Database) -> None:
    user = await save_user(database)
    async with bounded():
        await asyncio.gather(*(database.migrate() for _ in range(3)))
    assert await database.check()
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user
