"""Listeners to events wait while the database is away, and all of them receive the final state."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from servers.kinds import environment

from tests.attacks.server import API, AttackedServer, User, attackable_server, new_address, worker
from tests.servers import own_server

PER_ADDRESS = 50
AWAY_SECONDS = 6.0
"""Longer than a heartbeat of the connection pool and than its timeouts."""
STREAM_TIMEOUT = 300.0


async def test_listeners_outlast_a_database_outage_and_receive_the_final_state(
    tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    count = 1_000 if long else 200
    with own_server("postgresql") as postgresql:
        url = environment("postgresql", postgresql.port)["MECHSHARE_DATABASE_URL"]
        with attackable_server(tmp_path, DATABASE_URL=url, JOB_SLOTS="0") as server:
            async with server.registered() as user:
                id = (await server.upload(user)).raise_for_status().json()["id"]
                addresses = [new_address() for _ in range(-(-count // PER_ADDRESS))]
                started = asyncio.Semaphore(0)
                listening = [
                    asyncio.create_task(
                        last_state(server, user, id, addresses[number % len(addresses)], started)
                    )
                    for number in range(count)
                ]
                for _ in range(count):
                    await asyncio.wait_for(started.acquire(), STREAM_TIMEOUT)
                postgresql.stop()
                await asyncio.sleep(AWAY_SECONDS)
                postgresql.start()
                with worker(server, DATABASE_URL=url):
                    ends = Counter(await asyncio.gather(*listening))
    figure(f"{count} listeners, the database away for {AWAY_SECONDS:.0f} s: {dict(ends)}")
    assert ends == {"ready": count}


async def last_state(
    server: AttackedServer, user: User, id: str, address: str, started: asyncio.Semaphore
) -> str:
    """Returns the last state that a listener receives, or the name of the error; releases `started` at the first."""
    path, state = f"{API}/mechanisms/{id}/processing/events", "nothing"
    try:
        async with (
            asyncio.timeout(STREAM_TIMEOUT),
            server.client(address, timeout=STREAM_TIMEOUT, retries=True) as client,
            client.stream("GET", path, headers=user.headers) as response,
        ):
            if response.status_code != 200:
                started.release()
                return str(response.status_code)
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    if state == "nothing":
                        started.release()
                    state = line.partition('"state":"')[2].partition('"')[0]
    except (httpx.TransportError, TimeoutError) as problem:
        return type(problem).__name__
    return state
