"""The contract suite of doorbells."""

import asyncio
from datetime import timedelta

from mechshare.domain.jobs import Listener
from mechshare.ports.doorbell import Doorbell
from mechshare.testing.bounds import bounded

FOREVER = timedelta(hours=1)
ZERO = timedelta(0)


async def test_a_ring_wakes_a_waiting_worker(doorbell: Doorbell) -> None:
    async with bounded():
        waiting = asyncio.create_task(doorbell.wait(FOREVER))
        await asyncio.sleep(0)
        await doorbell.ring()
        await waiting


async def test_a_ring_with_no_waiter_wakes_the_next_waiter(doorbell: Doorbell) -> None:
    await doorbell.ring()
    async with bounded():
        await doorbell.wait(FOREVER)


async def test_a_ring_wakes_each_listener(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(ZERO)
        await doorbell.ring()
        await doorbell.wait(FOREVER)
        await doorbell.ring()
        await doorbell.wait(FOREVER, Listener.FEEDS)
        await doorbell.wait(FOREVER)


async def test_a_wait_without_a_ring_ends_at_its_timeout(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(ZERO)


async def test_many_rings_raise_nothing(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(ZERO)
    for _ in range(1_000):
        await doorbell.ring()
    async with bounded():
        await doorbell.wait(FOREVER)


async def test_ringing_after_closing_raises_nothing(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(ZERO)
    await doorbell.close()
    await doorbell.ring()


async def test_check_describes_the_doorbell_in_one_line(doorbell: Doorbell) -> None:
    problem = await doorbell.check()
    assert problem
    assert "\n" not in problem
