"""The tools of these tests work on a server that nobody attacks."""

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
