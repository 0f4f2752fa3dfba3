"""The contract suite of databases: idempotency records."""

import asyncio
from datetime import timedelta

import pytest

from mechshare.domain.errors import IdempotencyKeyReused, Unavailable
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, an_idempotency_record


async def test_an_idempotency_record_is_stored_once(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record())
        assert await tx.idempotency_records.find("s", "key") == an_idempotency_record()
        assert await tx.idempotency_records.find("other", "key") is None
    with pytest.raises(IdempotencyKeyReused):
        async with database.begin() as tx:
            await tx.idempotency_records.add(an_idempotency_record())


async def test_old_idempotency_records_are_deleted(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record("old", NOW - timedelta(days=2)))
        await tx.idempotency_records.add(an_idempotency_record("new"))
        assert await tx.idempotency_records.delete_older(NOW - timedelta(days=1), limit=9) == 1
        assert await tx.idempotency_records.find("old", "key") is None
        assert await tx.idempotency_records.find("new", "key") is not None


async def test_at_most_limit_idempotency_records_are_deleted_per_call(database: Database) -> None:
    names = [(scope, key) for scope in ("one", "other") for key in ("a", "b")]
    async with database.begin() as tx:
        for scope, key in names:
            await tx.idempotency_records.add(an_idempotency_record(scope, key=key))
    async with database.begin() as tx:
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 3
        assert len([name for name in names if await tx.idempotency_records.find(*name)]) == 1
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 1
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 0


async def test_deleting_one_expired_record_frees_its_key(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record())
        await tx.idempotency_records.add(an_idempotency_record(key="another"))
        assert not await tx.idempotency_records.delete_expired("s", "key", older=NOW)
        assert await tx.idempotency_records.delete_expired("s", "key", older=NOW + timedelta(days=1))
        assert not await tx.idempotency_records.delete_expired("s", "key", older=NOW + timedelta(days=1))
        await tx.idempotency_records.add(an_idempotency_record())
        assert await tx.idempotency_records.find("s", "another") is not None


async def test_one_of_many_concurrent_requests_with_a_key_stores_a_record(database: Database) -> None:
    async def bring() -> bool:
        while True:
            try:
                async with database.begin() as tx:
                    await tx.idempotency_records.add(an_idempotency_record())
            except IdempotencyKeyReused:
                return False
            except Unavailable:  # a busy machine lets some wait too long; clients send those again
                await asyncio.sleep(0.1)
            else:
                return True

    async with bounded():
        assert sum(await asyncio.gather(*(bring() for _ in range(10)))) == 1


async def test_equal_keys_in_different_scopes_are_independent(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record("one"))
        await tx.idempotency_records.add(an_idempotency_record("other"))
        await tx.idempotency_records.add(an_idempotency_record("one", key="another"))
        assert await tx.idempotency_records.find("other", "another") is None
        assert await tx.idempotency_records.delete_older(NOW, limit=9) == 0
        assert await tx.idempotency_records.delete_older(NOW + timedelta(microseconds=1), limit=9) == 3
