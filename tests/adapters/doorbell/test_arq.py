"""A doorbell through arq: who hears it, and what becomes of it when Redis goes away."""

import asyncio
import signal
from datetime import timedelta

from redis.asyncio import Redis

from mechshare.adapters.doorbell.arq import ArqDoorbell
from tests.servers import address, own_server, redis_url, told

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


async def heard(ringer: ArqDoorbell, listener: ArqDoorbell) -> None:
    """Rings until it is heard: a bell may be late."""
    waiting = asyncio.create_task(listener.wait(FOREVER))
    while not waiting.done():
        await ringer.ring()
        await asyncio.wait({waiting}, timeout=0.2)


async def test_a_ring_is_heard_by_another_process() -> None:
    url = redis_url()
    ringer, listener = ArqDoorbell(url), ArqDoorbell(url)
    waiting = asyncio.create_task(listener.wait(FOREVER))
    await ringer.ring()
    await asyncio.wait_for(waiting, 30)
    await ringer.close()
    await listener.close()


async def test_rings_that_nobody_hears_do_not_pile_up() -> None:
    doorbell = ArqDoorbell(redis_url())
    for _ in range(300):
        await doorbell.ring()
    async with Redis.from_url(address("REDIS_URL")) as redis:
        assert await redis.zcard(doorbell._queue) == 100
    await doorbell.close()


async def test_without_redis_nobody_waits_for_longer_than_he_would_and_with_it_again_he_is_woken() -> None:
    with own_server("redis") as server:
        ringer, listener = ArqDoorbell(told("redis", server)), ArqDoorbell(told("redis", server))
        await heard(ringer, listener)
        server.kill()
        await ringer.ring()
        await listener.wait(NOT_AT_ALL)
        server.start()
        await asyncio.wait_for(heard(ringer, listener), 60)
        await ringer.close()
        await listener.close()


async def test_a_suspended_redis_does_not_hold_up_who_rings_and_closes() -> None:
    with own_server("redis") as server:
        doorbell = ArqDoorbell(told("redis", server))
        await heard(doorbell, doorbell)
        server.signal(signal.SIGSTOP)
        for _ in range(10):
            await asyncio.wait_for(doorbell.ring(), 10)
        await asyncio.wait_for(doorbell.close(), 30)
        server.signal(signal.SIGCONT)
