"""The doorbell through arq: who hears a ring, and what happens while Redis is unavailable."""

import asyncio
import signal
from datetime import timedelta

from redis.asyncio import Redis

from mechshare.adapters.doorbell.arq import ArqDoorbell
from tests.servers import SERVER_TIMEOUT, address, client_url, own_server, redis_url

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


async def ring_arrives(ringer: ArqDoorbell, listener: ArqDoorbell) -> None:
    """Rings until `listener` hears it: a ring may arrive late."""
    waiting = asyncio.create_task(listener.wait(FOREVER))
    while not waiting.done():
        await ringer.ring()
        await asyncio.wait({waiting}, timeout=0.2)


async def test_a_ring_wakes_another_process() -> None:
    url = redis_url()
    ringer, listener = (ArqDoorbell(url, timeout=SERVER_TIMEOUT) for _ in range(2))
    waiting = asyncio.create_task(listener.wait(FOREVER))
    await ringer.ring()
    await asyncio.wait_for(waiting, 30)
    await ringer.close()
    await listener.close()


async def test_rings_in_quick_succession_are_sent_as_one_or_two() -> None:
    doorbell = ArqDoorbell(redis_url(), timeout=SERVER_TIMEOUT)
    for _ in range(300):
        await doorbell.ring()
    await doorbell.close()
    async with Redis.from_url(address("REDIS_URL")) as redis:
        assert await redis.zcard(doorbell._queue) in (1, 2)


async def test_without_redis_waits_time_out_and_rings_work_again_after_it_returns() -> None:
    with own_server("redis") as server:
        ringer, listener = ArqDoorbell(client_url("redis", server)), ArqDoorbell(client_url("redis", server))
        await ring_arrives(ringer, listener)
        server.kill()
        await ringer.ring()
        await listener.wait(NOT_AT_ALL)
        server.start()
        await asyncio.wait_for(ring_arrives(ringer, listener), 60)
        await ringer.close()
        await listener.close()


async def test_a_suspended_redis_blocks_neither_ring_nor_close() -> None:
    with own_server("redis") as server:
        doorbell = ArqDoorbell(client_url("redis", server))
        await ring_arrives(doorbell, doorbell)
        server.signal(signal.SIGSTOP)
        for _ in range(10):
            await asyncio.wait_for(doorbell.ring(), 60)
        await asyncio.wait_for(doorbell.close(), 30)
        server.signal(signal.SIGCONT)
