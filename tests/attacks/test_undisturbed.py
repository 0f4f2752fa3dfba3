"""A server that nobody attacks: the tools of these tests work on it, and so do commands beside it."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.attacks.probe import watched
from tests.attacks.server import API, AttackedServer


async def test_another_user_is_served_while_somebody_publishes(
    attacked_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    before = attacked_server.cpu_seconds()
    async with attacked_server.registered() as user, watched(attacked_server, figure):
        mechanism = await attacked_server.publish(user)
        shown = await user.client.get(f"{API}/mechanisms/{mechanism['id']}")
    assert shown.status_code == 200
    assert attacked_server.cpu_seconds() > before
    assert attacked_server.rss_bytes() > 2**20
    assert len(attacked_server.server_processes()) == 2


def usernames(server: AttackedServer) -> str:
    """Returns what `mechshare users list` prints beside the server."""
    environ = {**os.environ, "MECHSHARE_DATA": str(server.folder / "data")}
    command = [sys.executable, "-m", "mechshare", "users", "list"]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=240
    ).stdout


async def test_a_command_that_closes_the_database_loses_no_later_write_of_the_server(
    attacked_server: AttackedServer,
) -> None:
    usernames(attacked_server)
    async with attacked_server.registered() as user:
        assert user.name in usernames(attacked_server)
