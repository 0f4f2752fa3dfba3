"""Server processes that start while PostgreSQL is down keep running, and are ready as soon as it is back."""

import os
import signal
from pathlib import Path

from servers.kinds import environment

from tests.attacks.server import API, AttackedServer, attackable_server
from tests.attacks.test_processes import is_alive, until
from tests.servers import own_server


async def statuses(server: AttackedServer) -> dict[str, int]:
    paths = ("/health/live", "/health/ready", f"{API}/mechanisms?limit=7")
    async with server.client() as client, server.operator() as operator:
        metrics = (await operator.get("/metrics")).status_code
        health = (await operator.get("/health")).status_code
        found = {path: (await client.get(path)).status_code for path in paths}
    return {**found, "/metrics": metrics, "/health": health}


async def test_processes_started_without_the_database_are_unready_until_it_returns(tmp_path: Path) -> None:
    unavailable = {
        "/health/live": 200,
        "/metrics": 200,
        "/health": 503,
        "/health/ready": 503,
        f"{API}/mechanisms?limit=7": 503,
    }
    with own_server("postgresql") as postgresql:
        url = environment("postgresql", postgresql.port)["MECHSHARE_DATABASE_URL"]
        with attackable_server(tmp_path, DATABASE_URL=url) as server:
            postgresql.stop()
            for _ in range(2):
                await _replaced(server, signal.SIGKILL)
                await until(lambda: is_alive(server))
                assert await statuses(server) == unavailable
            await _replaced(server, signal.SIGHUP)
            await until(lambda: is_alive(server))
            assert await statuses(server) == unavailable
            postgresql.start()
            # One process may find the database again before the other, and requests reach either.
            await until(lambda: _serves_everything(server))
            assert server.process.poll() is None


async def _serves_everything(server: AttackedServer) -> bool:
    return set((await statuses(server)).values()) == {200}


async def _replaced(server: AttackedServer, number: signal.Signals) -> None:
    """Returns when both server processes are new ones; SIGHUP goes to the main process, SIGKILL to each of the two."""
    old = server.server_processes()
    for pid in [server.pid] if number == signal.SIGHUP else old:
        os.kill(pid, number)
    await until(lambda: not set(old) & set(server.server_processes()) and len(server.server_processes()) == 2)
