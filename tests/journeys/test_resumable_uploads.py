"""Uploads that are cut by FIN, by RST and by SIGKILL of the server end with the bytes that were sent."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import httpx
import pytest
from servers.ports import free_port

from tests.served import environment_of

API = "/api/v1"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
START_TIMEOUT = 300.0
PERSON = {"username": "mika", "password": "four-bar linkage"}
SETTINGS = {
    "MECHSHARE_JOB_SLOTS": "0",
    "MECHSHARE_REQUESTS_PER_MINUTE": "0",
    "MECHSHARE_USER_QUOTA_BYTES": "0",
    "MECHSHARE_UNFINISHED_CLIPS_PER_USER": "0",
    "MECHSHARE_UNFINISHED_UPLOADS_PER_USER": "0",
}
pytestmark = pytest.mark.timeout(600)


class Server:
    """mechshare with two server processes; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120, trust_env=False)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "mechshare", "serve", "--port", str(self.port), "--workers", "2"]
        with (self._folder / "serve.log").open("ab") as output:
            environ = environment_of(self._folder) | SETTINGS
            self._process = subprocess.Popen(
                command, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        ends = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            assert time.monotonic() < ends, (self._folder / "serve.log").read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """Kills every process of the server with SIGKILL."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(240)

    def _is_ready(self) -> bool:
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Sending:
    """One upload of `content`; `sent` is how many bytes were sent at most."""

    address: str
    content: bytes
    sent: int = 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("uploads"))
    server.client.post(
        f"{API}/auth/register", json={**PERSON, "email": "mika@example.com"}
    ).raise_for_status()
    sign_in(server)
    yield server
    server.kill()
    server.client.close()


def sign_in(server: Server) -> None:
    tokens = server.client.post(f"{API}/auth/login", json=PERSON).raise_for_status().json()
    server.client.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def begin(server: Server, content: bytes) -> str:
    fields = {**TUS, "Upload-Length": str(len(content))}
    return str(server.client.post(f"{API}/uploads", headers=fields).raise_for_status().headers["location"])


def offset_of(server: Server, address: str) -> int:
    response = server.client.head(address, headers=TUS).raise_for_status()
    return int(response.headers["upload-offset"])


def send_part(server: Server, one: Sending, size: int) -> socket.socket:
    """Sends the head of a PATCH with all the rest, but only `size` bytes of it; returns the open connection."""
    offset = offset_of(server, one.address)
    rest = one.content[offset:]
    fields = {
        **BYTES,
        "Host": "127.0.0.1",
        "Authorization": server.client.headers["Authorization"],
        "Upload-Offset": str(offset),
        "Content-Length": str(len(rest)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    connection = socket.create_connection(("127.0.0.1", server.port), 60)
    connection.sendall(f"PATCH {one.address} HTTP/1.1\r\n{head}\r\n".encode() + rest[:size])
    one.sent = max(one.sent, offset + len(rest[:size]))
    return connection


def fin(server: Server, connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def rst(server: Server, connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


def sigkill(server: Server, connections: list[socket.socket]) -> None:
    server.kill()
    fin(server, connections)
    server.start()


def finish(server: Server, one: Sending) -> None:
    """Sends the rest, as often as a request that was cut before still ends."""
    status = 409
    while status == 409:
        offset = offset_of(server, one.address)
        assert offset <= max(one.sent, 0)
        fields = {**BYTES, "Upload-Offset": str(offset)}
        status = server.client.patch(one.address, headers=fields, content=one.content[offset:]).status_code
    assert status == 204


def original_of(server: Server, address: str) -> bytes:
    """Makes a mechanism of the upload and returns its original."""
    made = server.client.post(
        f"{API}/mechanisms/from-upload", json={"upload": address, "title": "歯車"}
    ).raise_for_status()
    return server.client.get(f"{API}/mechanisms/{made.json()['id']}/original").raise_for_status().content


def test_cut_uploads_end_with_equal_hashes(server: Server, long: bool, figure: Callable[[str], None]) -> None:
    dice, equal, cuts, received = Random(20), 0, 0, 0
    rounds = 25 if long else 1
    for _ in range(rounds):
        sign_in(server)  # on a busy machine the long form takes longer than an access token lasts
        contents = [b"GIF89a" + dice.randbytes(dice.randrange(5_000, 900_000)) for _ in range(19)]
        contents.append(b"GIF89a" + dice.randbytes(9_000_000))
        sendings = [Sending(begin(server, content), content) for content in contents]
        for cut in (fin, sigkill, rst):
            connections = [send_part(server, one, len(one.content) // 3) for one in sendings]
            cut(server, connections)
            cuts += len(connections)
        for one in sendings:
            received += offset_of(server, one.address)
            finish(server, one)
            equal += sha256(original_of(server, one.address)).digest() == sha256(one.content).digest()
    figure(
        f"{equal} of {rounds * 20} uploads equal after {cuts} cuts; {received / 1e6:.1f} MB were not sent again"
    )
    assert equal == rounds * 20


async def patched(client: httpx.AsyncClient, address: str, fields: dict[str, str], content: bytes) -> int:
    """Sends the bytes and returns the status; again, as clients do, where the server is too busy (503)."""
    for _ in range(120):
        response = await client.patch(address, headers=fields, content=content)
        if response.status_code != 503:
            break
        await asyncio.sleep(0.5)
    return response.status_code


async def test_of_each_pair_of_concurrent_requests_one_wins(
    server: Server, figure: Callable[[str], None]
) -> None:
    sign_in(server)
    headers = dict(server.client.headers)
    winners = []
    async with httpx.AsyncClient(base_url=server.client.base_url, headers=headers, timeout=120) as client:
        for number in range(100):
            content = b"GIF89a" + Random(number).randbytes(9_000)
            fields = {**TUS, "Upload-Length": str(len(content))}
            address = (await client.post(f"{API}/uploads", headers=fields)).headers["location"]
            fields = {**BYTES, "Upload-Offset": "0"}
            both = [patched(client, address, fields, content) for _ in range(2)]
            statuses = sorted(await asyncio.gather(*both))
            winners.append(statuses.count(204))
            assert statuses == [204, 409], statuses
    figure(f"{winners.count(1)} of 100 pairs of concurrent requests have one winner")
