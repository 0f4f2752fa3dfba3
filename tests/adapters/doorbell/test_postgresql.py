"""The doorbell through PostgreSQL: who hears a ring, and what happens while PostgreSQL is unavailable."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from mechshare.adapters.doorbell.postgresql import PostgresqlDoorbell
from mechshare.domain.errors import DependencyUnavailable
from tests.servers import SERVER_TIMEOUT, address, client_url, own_server

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PostgresqlDoorbell, PostgresqlDoorbell]]:
    """Two doorbells, as those of two processes."""
    url, channel = address("POSTGRESQL_URL"), uuid4().hex
    ringer, listener = (PostgresqlDoorbell(url, channel=channel, timeout=SERVER_TIMEOUT) for _ in range(2))
    await listener.check()
    await listener.wait(NOT_AT_ALL)
    yield ringer, listener
    await ringer.close()
    await listener.close()


async def ring_arrives(ringer: PostgresqlDoorbell, listener: PostgresqlDoorbell) -> None:
    """Rings until `listener` hears it: while the connection is opened, a ring may be lost."""
    waiting = asyncio.create_task(listener.wait(FOREVER))
    while not waiting.done():
        await ringer.ring()
        await asyncio.wait({waiting}, timeout=0.2)


async def sessions(channel: str) -> list[int]:
    """Returns the processes of the server that listen or notify on `channel`."""
    async with await psycopg.AsyncConnection.connect(address("POSTGRESQL_URL")) as connection:
        found = await connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'mechshare-doorbell' AND query LIKE %s",
            (f"%{channel}%",),
        )
        return [pid for (pid,) in await found.fetchall()]


async def test_a_ring_wakes_another_process(pair: tuple[PostgresqlDoorbell, PostgresqlDoorbell]) -> None:
    ringer, listener = pair
    await ringer.ring()
    await asyncio.wait_for(listener.wait(FOREVER), 30)


async def test_the_last_ring_before_closing_is_sent(
    pair: tuple[PostgresqlDoorbell, PostgresqlDoorbell],
) -> None:
    ringer, listener = pair
    await ringer.ring()
    await ringer.close()
    await asyncio.wait_for(listener.wait(FOREVER), 30)


async def test_another_channel_is_another_doorbell(
    pair: tuple[PostgresqlDoorbell, PostgresqlDoorbell],
) -> None:
    _, listener = pair
    another = PostgresqlDoorbell(address("POSTGRESQL_URL"), channel=uuid4().hex, timeout=SERVER_TIMEOUT)
    await another.check()
    await another.close()
    waiting = asyncio.create_task(listener.wait(FOREVER))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    waiting.cancel()


async def test_a_process_has_one_connection_and_opens_another_when_it_is_lost() -> None:
    channel = uuid4().hex
    doorbell = PostgresqlDoorbell(address("POSTGRESQL_URL"), channel=channel, timeout=SERVER_TIMEOUT)
    for _ in range(3):
        await doorbell.ring()
        await doorbell.check()
    (first,) = await sessions(channel)
    async with await psycopg.AsyncConnection.connect(address("POSTGRESQL_URL"), autocommit=True) as admin:
        await admin.execute("SELECT pg_terminate_backend(%s, 10000)", (first,))
    for _ in range(20):
        try:
            await doorbell.check()
            break
        except DependencyUnavailable:
            continue
    assert len(await sessions(channel)) == 1
    assert await sessions(channel) != [first]
    await doorbell.close()


async def test_an_outage_blocks_nothing_and_rings_work_again_after_it() -> None:
    with own_server("postgresql") as server:
        url = client_url("postgresql", server)
        ringer, listener, another = (PostgresqlDoorbell(url) for _ in range(3))
        await asyncio.wait_for(ring_arrives(ringer, listener), 60)
        await another.check()
        server.signal(signal.SIGSTOP)
        await asyncio.wait_for(ringer.ring(), 60)
        await listener.wait(NOT_AT_ALL)
        with pytest.raises(DependencyUnavailable):
            await ringer.check()
        await asyncio.wait_for(another.close(), 60)
        server.kill()
        server.start()
        await asyncio.wait_for(ring_arrives(ringer, listener), 60)
        await ringer.close()
        await listener.close()


@pytest.mark.parametrize("channel", ["", "x" * 64])
def test_an_invalid_channel_is_refused(channel: str) -> None:
    with pytest.raises(ValueError, match="channel"):
        PostgresqlDoorbell("postgresql://mechshare@db/x", channel=channel)
