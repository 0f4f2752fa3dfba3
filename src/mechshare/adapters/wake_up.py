"""Waits for the event by which a doorbell wakes this process."""

import asyncio
from datetime import timedelta


async def wait_for_ring(event: asyncio.Event, timeout: timedelta) -> None:
    """Returns when `event` is set, and clears it; or returns after `timeout`."""
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
