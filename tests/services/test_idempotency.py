from datetime import timedelta

import pytest

from mechshare.domain.idempotency import IDEMPOTENCY_LIFETIME
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse, run_once
from mechshare.testing.persistence.values import an_idempotency_record


async def run_request(world, body, fingerprint="f"):
    idempotency = IdempotentRequest(scope="s", key="key", fingerprint=fingerprint, render=str.encode)

    async def do():
        return body

    async with world.database.begin() as tx:
        return await run_once(tx, world.clock, idempotency, do)


async def replay(world, fingerprint="f"):
    with pytest.raises(ReplayedResponse) as replayed:
        await run_request(world, "not stored", fingerprint)
    return replayed.value.response


async def test_a_key_is_free_again_after_it_expires(world):
    assert await run_request(world, "first") == "first"

    world.clock.advance(IDEMPOTENCY_LIFETIME)
    assert await replay(world) == b"first"
    world.clock.advance(timedelta(microseconds=1))

    assert await run_request(world, "third", fingerprint="another") == "third"
    assert await replay(world, fingerprint="another") == b"third"


async def test_a_request_does_not_wait_for_the_deletion_of_expired_records(world):
    old = [an_idempotency_record("other", world.clock.now(), key=str(number)) for number in range(3)]
    async with world.database.begin() as tx:
        for record in old:
            await tx.idempotency_records.add(record)
    world.clock.advance(2 * IDEMPOTENCY_LIFETIME)

    await run_request(world, "first")

    async with world.database.read() as tx:
        assert [await tx.idempotency_records.find("other", str(number)) for number in range(3)] == old
