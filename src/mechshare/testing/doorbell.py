"""The contract suite of doorbells."""

import asyncio
from datetime import timedelta

from mechshare.ports.doorbell import Doorbell
from mechshare.testing.bounds import bounded

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


async def test_a_ring_wakes_who_waits(doorbell: Doorbell) -> None:
    async with bounded():
        waiting = asyncio.create_task(doorbell.wait(FOREVER))
        await asyncio.sleep(0)
        await doorbell.ring()
        await waiting


async def test_a_ring_while_nobody_waits_is_kept(doorbell: Doorbell) -> None:
    await doorbell.ring()
    async with bounded():
        await doorbell.wait(FOREVER)


async def test_without_a_ring_the_wait_ends_by_itself(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(NOT_AT_ALL)


async def test_many_rings_are_no_trouble(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(NOT_AT_ALL)
    for _ in range(1_000):
        await doorbell.ring()
    async with bounded():
        await doorbell.wait(FOREVER)


async def test_ringing_after_closing_raises_nothing(doorbell: Doorbell) -> None:
    async with bounded():
        await doorbell.wait(NOT_AT_ALL)
    await doorbell.close()
    await doorbell.ring()


async def test_it_tells_in_one_line_what_answers(doorbell: Doorbell) -> None:
    problem = await doorbell.check()
    assert problem
    assert "\n" not in problem
