"""Thousands of slow clients of any kind delay no other client, and all are disconnected in time."""

from collections.abc import Callable

import pytest

from tests.attacks import slow_clients
from tests.attacks.probe import watched
from tests.attacks.server import API, AttackedServer, new_address
from tests.attacks.slow_clients import PER_ADDRESS, SlowClient, outcomes

HEADERS_TIMEOUT = 90.0
"""Seconds within which a connection without complete headers is closed: 15 documented, more on a busy machine."""
BODY_TIMEOUT = 150.0
"""The same for short bodies; 30 are documented."""
READERS_TIMEOUT = 240.0
"""Seconds within which hundreds of connections are closed whose clients read nothing; 30 are documented for each."""
RESPONSES_TIMEOUT = 240.0
"""Seconds within which hundreds of responses begin."""
MAX_BYTES_EACH = 1024 * 1024
"""The server's memory for each slow client, including its own growth meanwhile, bytes: an eighth of the file that it
reads."""


async def attack(
    server: AttackedServer,
    figure: Callable[[str], None],
    client: SlowClient,
    count: int,
    seconds: float,
    *,
    listens: float | None = None,
) -> dict[str, int]:
    addresses = [new_address() for _ in range(-(-count // PER_ADDRESS))]
    rss, cpu = server.rss_bytes(), server.cpu_seconds()
    async with watched(server, figure):
        found = await outcomes(server, [client] * count, addresses, seconds, listens=listens)
    grown = server.rss_bytes() - rss
    figure(
        f"{count} clients: {dict(found)}; {server.cpu_seconds() - cpu:.1f} s of CPU, {grown / 2**20:.0f} MiB more"
    )
    assert grown < count * MAX_BYTES_EACH
    return found


@pytest.mark.parametrize("client", [slow_clients.silent, slow_clients.slow_headers])
async def test_connections_without_whole_headers_are_closed(
    idle_server: AttackedServer, figure: Callable[[str], None], connections: int, client: SlowClient
) -> None:
    found = await attack(idle_server, figure, client, connections, HEADERS_TIMEOUT)
    assert found.keys() <= {"closed", "reset"}  # the latter if a byte arrives while the server closes
    assert sum(found.values()) == connections


async def test_bodies_that_trickle_are_refused(
    idle_server: AttackedServer, figure: Callable[[str], None], connections: int
) -> None:
    found = await attack(idle_server, figure, slow_clients.slow_body, connections, BODY_TIMEOUT)
    assert sum(count for end, count in found.items() if end.startswith("408")) == connections


async def test_readers_that_read_nothing_are_disconnected(
    idle_server: AttackedServer, figure: Callable[[str], None], connections: int
) -> None:
    async with idle_server.registered() as user:
        large = b"GIF89a" + bytes(8 * 2**20)
        id = (await idle_server.upload(user, large)).raise_for_status().json()["id"]
        client = slow_clients.slow_reader(f"{API}/mechanisms/{id}/original", user.headers["Authorization"])
        found = await attack(idle_server, figure, client, connections, READERS_TIMEOUT)
    assert sum(count for end, count in found.items() if end.endswith(("reset", "closed"))) == connections


async def test_listeners_to_events_delay_no_other_client(
    idle_server: AttackedServer, figure: Callable[[str], None], connections: int
) -> None:
    async with idle_server.registered() as user:
        id = (await idle_server.upload(user)).raise_for_status().json()["id"]
        path = f"{API}/mechanisms/{id}/processing/events"
        client = slow_clients.listener(path, user.headers["Authorization"])
        found = await attack(idle_server, figure, client, connections, RESPONSES_TIMEOUT, listens=10.0)
    refused = found["503 open"] + found["503 closed"]  # whether or not the connection may be used again
    assert found["200 open"] + refused == connections
    assert found["200 open"] >= min(connections, 2_000)


async def test_unfinished_bodies_of_one_address_are_bounded(
    idle_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    count = 400
    async with watched(idle_server, figure):
        found = await outcomes(idle_server, [slow_clients.slow_body] * count, [new_address()], BODY_TIMEOUT)
    figure(f"{count} bodies of one address: {dict(found)}")
    assert 64 <= sum(number for end, number in found.items() if end.startswith("408")) <= 128
    assert sum(number for end, number in found.items() if end.startswith(("408", "429"))) == count


def test_http2_without_tls_is_refused(idle_server: AttackedServer) -> None:
    with idle_server.connect() as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
        received = connection.recv(1_000)
    assert received == b"" or received.startswith(b"HTTP/1.1 4")


def test_a_body_in_tiny_pieces_costs_little(
    idle_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    before = idle_server.cpu_seconds()
    with idle_server.connect() as connection:
        head = b"Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(f"POST {API}/auth/login HTTP/1.1\r\n".encode() + head)
        try:
            for _ in range(250):
                connection.sendall(b"1\r\n \r\n" * 1_000)
        except ConnectionError:
            pass  # refused before its end
        else:
            assert connection.recv(1_000).startswith(b"HTTP/1.1 400")
    spent = idle_server.cpu_seconds() - before
    figure(f"a body in 250,000 pieces: {spent:.2f} CPU seconds")
    assert spent < 1.0
