"""A lock on one row, a full quota and a disk below its reserve refuse what needs them, and nothing else."""

import asyncio
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import httpx
import psycopg
import pytest
from servers.kinds import environment
from servers.running import Server

from tests.attacks.server import API, PASSWORD, AttackedServer, User, attackable_server
from tests.chaos.clips import clip
from tests.servers import own_server

MIB = 2**20
_BETWEEN_READS = 0.05
"""Seconds."""
WRITERS = 12
"""More requests for a locked row than the failures after which a circuit breaker opens."""
LOCK_TIMED_OUT = "canceling statement due to lock timeout"
MAX_SECONDS = 30.0
"""Three are promised on a machine that is not overloaded."""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with own_server("postgresql") as server:
        yield server


@pytest.fixture(scope="module")
def full_server(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    """A server on PostgreSQL whose disk is below its reserve. It runs no jobs: no statement of theirs waits."""
    url = environment("postgresql", postgresql.port)["MECHSHARE_DATABASE_URL"]
    folder = tmp_path_factory.mktemp("full")
    with attackable_server(folder, DATABASE_URL=url, DISK_RESERVE="512T", JOB_SLOTS="0") as server:
        yield server


def locked(server: Server, statement: str, parameters: Sequence[str] = ()) -> psycopg.Connection:
    """Returns a connection whose transaction has executed `statement` and is idle; close it to release the locks."""
    url = environment("postgresql", server.port)["MECHSHARE_DATABASE_URL"]
    connection = psycopg.connect(url)
    connection.execute(statement, parameters)
    return connection


async def edited(user: User, id: str, title: str) -> httpx.Response:
    headers = {**user.headers, "If-Match": "*"}
    return await user.client.patch(f"{API}/mechanisms/{id}", headers=headers, json={"title": title})


async def assert_goes_on(user: User, id: str) -> None:
    """Signs in, edits a mechanism of the user's and reads it."""
    signed_in = await user.client.post(
        f"{API}/auth/login", json={"username": user.name, "password": PASSWORD}
    )
    assert signed_in.status_code == 200
    assert (await edited(user, id, "A crank-rocker")).status_code == 200
    read = await user.client.get(f"{API}/mechanisms/{id}", headers=user.headers)
    assert read.json()["title"] == "A crank-rocker"


async def test_a_locked_row_delays_nobody_who_needs_another(
    postgresql: Server, full_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    async with full_server.registered() as user, full_server.registered() as other:
        id = (await full_server.add_external(user))["id"]
        own = (await full_server.add_external(other))["id"]
        with locked(postgresql, "SELECT 1 FROM mechanisms WHERE id = %s FOR UPDATE", [id]):
            writing = [asyncio.create_task(edited(user, id, f"title {number}")) for number in range(WRITERS)]
            read = 0
            while not all(task.done() for task in writing):
                for path in (f"{API}/mechanisms/{id}", f"{API}/mechanisms?limit={read % 100 + 1}"):
                    assert (await other.client.get(path)).status_code == 200
                    read += 1
                await asyncio.sleep(_BETWEEN_READS)  # on a quick machine they would meet the rate limit
            refused = [task.result() for task in writing]
            await assert_goes_on(other, own)
            async with full_server.operator() as operator:
                metrics = (await operator.get("/metrics")).text
        figure(f"{WRITERS} writers of a locked row were refused, {read} reads of others were served")
        assert {response.status_code for response in refused} == {503}
        assert "BUSY" in {response.json()["code"] for response in refused}
        assert all(response.headers["retry-after"] for response in refused)
        assert 'mechshare_circuit_refusals_total{dependency="database"} 0.0' in metrics
        assert (await edited(user, id, "A crank-rocker")).status_code == 200


async def test_a_read_that_can_not_be_served_waits_once(
    postgresql: Server, full_server: AttackedServer, figure: Callable[[str], None]
) -> None:
    async with full_server.registered() as user:
        id = (await full_server.add_external(user))["id"]
        before = postgresql.log().count(LOCK_TIMED_OUT)
        with locked(postgresql, "LOCK TABLE mechanisms IN ACCESS EXCLUSIVE MODE"):
            began = time.monotonic()
            refused = await user.client.get(f"{API}/mechanisms/{id}")
            seconds = time.monotonic() - began
        waits = postgresql.log().count(LOCK_TIMED_OUT) - before
        figure(f"a mechanism in a locked table: 503 after {seconds:.1f} s and {waits} statement")
        assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
        assert refused.headers["retry-after"]
        assert waits == 1
        assert seconds < MAX_SECONDS
        assert (await user.client.get(f"{API}/mechanisms/{id}")).status_code == 200


async def test_below_the_disk_reserve_uploads_are_refused_and_everything_else_goes_on(
    full_server: AttackedServer,
) -> None:
    async with full_server.registered() as user:
        id = (await full_server.add_external(user))["id"]
        refused = await full_server.upload(user)
        assert (refused.status_code, refused.json()["code"]) == (507, "DISK_RESERVE_REACHED")
        assert "Try again later" in refused.json()["message"]
        await assert_goes_on(user, id)
        statuses = [
            (await user.client.get(f"/health/ready{query}")).status_code for query in ("", "?for=uploads")
        ]
        assert statuses == [200, 503]


def beginning_of_upload(server: AttackedServer, user: User, size: int) -> socket.socket:
    """Announces an upload of `size` bytes as curl does, and sends only its beginning."""
    form = (
        b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nJunk\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="junk.gif"\r\n\r\n'
    ) + clip(1).ljust(MIB, b"\0")
    head = (
        f"POST {API}/mechanisms HTTP/1.1\r\nHost: x\r\nAuthorization: {user.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {size}\r\n\r\n"
    )
    connection = server.connect(user.address, timeout=MAX_SECONDS)
    connection.sendall(head.encode() + form)
    return connection


async def test_junk_beyond_the_quota_is_refused_before_it_is_sent(attacked_server: AttackedServer) -> None:
    async with attacked_server.registered() as user:
        id = (await attacked_server.add_external(user))["id"]
        sending = [beginning_of_upload(attacked_server, user, 100 * MIB) for _ in range(3)]
        refused, _, _ = await asyncio.to_thread(select.select, sending, [], [], MAX_SECONDS)
        refusal = b"".join(connection.recv(MIB) for connection in refused).decode()
        await assert_goes_on(user, id)
        for connection in sending:
            connection.close()
    assert len(refused) == 1
    assert refusal.startswith("HTTP/1.1 413")
    assert "QUOTA_EXCEEDED" in refusal
    assert f"of the {256 * MIB} bytes" in refusal
    assert "Delete a mechanism, send a smaller file" in refusal
