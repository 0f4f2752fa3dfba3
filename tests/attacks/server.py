"""A `mechshare serve` for attacks, with its processor time and memory."""

import asyncio
import http.client
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from servers.ports import free_port

from tests.chaos.clips import clip
from tests.retries import AsyncRetrying

API = "/api/v1"
PASSWORD = "four-bar linkage"
START_TIMEOUT = 300.0
PROCESSING_TIMEOUT = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")
_SEEDS = itertools.count(500)
_ADDRESSES = itertools.count(2)


@dataclass
class User:
    """A signed-in user: `headers` authenticate it, and requests of `client` come from `address`."""

    name: str
    address: str
    client: httpx.AsyncClient
    headers: dict[str, str]


@dataclass
class AttackedServer:
    """`pid` is the main process. The server and all its children are in a session of their own."""

    process: subprocess.Popen[bytes]
    port: int
    operations_port: int
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")

    def members(self) -> list[int]:
        """Returns the ids of the running processes: the main process and all that it started."""
        family = [self.pid]
        for pid in family:
            family += _children(pid)
        return family

    def server_processes(self) -> list[int]:
        """Returns the processes that accept connections."""
        return [pid for pid in _children(self.pid) if b"spawn_main" in _command_of(pid)]

    def cpu_seconds(self) -> float:
        """Returns the processor time used so far, including ended children."""
        return sum(sum(_stat(pid)[11:15]) for pid in self.members()) / _TICKS

    def rss_bytes(self) -> int:
        """Returns the current memory of the server's processes; shared memory counts for each."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(_stat(pid)[21] for pid in self.members()) * page

    def connect(self, address: str = "127.0.0.1", timeout: float = 60.0) -> socket.socket:
        """Opens a TCP connection from `address`, any of 127.0.0.0/8."""
        return socket.create_connection(("127.0.0.1", self.port), timeout, source_address=(address, 0))

    def client(
        self, address: str = "127.0.0.1", timeout: float = 60.0, *, retries: bool = False
    ) -> httpx.AsyncClient:
        """Returns a client whose requests come from `address`, any of 127.0.0.0/8; rate limits count by address.

        One with `retries` sends a request again that a busy server refused.
        """
        kind = AsyncRetrying if retries else httpx.AsyncHTTPTransport
        transport = kind(local_address=address)
        return httpx.AsyncClient(base_url=self.url, timeout=timeout, transport=transport)

    def operator(self) -> httpx.AsyncClient:
        """Returns a client of the operations listener."""
        address = f"http://127.0.0.1:{self.operations_port}"
        return httpx.AsyncClient(base_url=address, timeout=60.0, trust_env=False)

    @asynccontextmanager
    async def registered(self, name: str = "", address: str = "") -> AsyncIterator[User]:
        """Registers and signs in a new user, by default from an address of its own."""
        name, address = name or f"user{next(_SEEDS)}", address or new_address()
        async with self.client(address, retries=True) as client:
            account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            (await client.post(f"{API}/auth/register", json=account)).raise_for_status()
            signing_in = {"username": name, "password": PASSWORD}
            signed_in = (await client.post(f"{API}/auth/login", json=signing_in)).raise_for_status()
        headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        async with self.client(address) as client:
            yield User(name, address, client, headers)

    async def upload(
        self, user: User, content: bytes | None = None, title: str = "A four-bar linkage"
    ) -> httpx.Response:
        """Uploads a small clip that is unlike any other, or `content`."""
        return await user.client.post(
            f"{API}/mechanisms",
            headers=user.headers,
            data={"title": title},
            files={"file": ("clip.gif", content or clip(next(_SEEDS), frames=3))},
        )

    async def add_external(
        self, user: User, title: str = "A four-bar linkage", description: str = ""
    ) -> dict[str, Any]:
        """Publishes a mechanism whose clip is hosted elsewhere, which needs no processing."""
        body = {
            "title": title,
            "description": description,
            "file_url": "https://media.example/a.mp4",
            "thumbnail_url": "https://media.example/a.webp",
            "duration": 1.0,
        }
        made = await user.client.post(f"{API}/mechanisms/from-url", headers=user.headers, json=body)
        path = f"{API}/mechanisms/{made.raise_for_status().json()['id']}/publish"
        return dict((await user.client.post(path, headers=user.headers)).raise_for_status().json())

    async def processing(self, user: User, id: str) -> dict[str, Any]:
        """Returns the processing of one of the user's mechanisms."""
        response = await user.client.get(f"{API}/mechanisms/{id}/processing", headers=user.headers)
        return dict(response.raise_for_status().json())

    async def processed(self, user: User, id: str) -> dict[str, Any]:
        """Waits until a mechanism is ready or failed and returns its processing."""
        async with asyncio.timeout(PROCESSING_TIMEOUT):
            while True:
                status = await self.processing(user, id)
                if status["state"] in ("ready", "failed"):
                    return status
                await asyncio.sleep(0.2)

    async def publish(self, user: User, title: str = "A four-bar linkage") -> dict[str, Any]:
        """Returns a published mechanism with a small clip."""
        created = (await self.upload(user, title=title)).raise_for_status().json()
        assert (await self.processed(user, created["id"]))["state"] == "ready"
        path = f"{API}/mechanisms/{created['id']}"
        current = (await user.client.get(path, headers=user.headers)).raise_for_status()
        headers = {**user.headers, "If-Match": current.headers["etag"]}
        published = await user.client.post(f"{path}/publish", headers=headers)
        return dict(published.raise_for_status().json())


def new_address() -> str:
    """Returns an address of this machine that was not used before."""
    number = next(_ADDRESSES)
    return f"127.1.{number // 250}.{number % 250 + 2}"


@contextmanager
def attackable_server(
    folder: Path, *, workers: int = 2, port: int | None = None, **settings: str
) -> Iterator[AttackedServer]:
    """Starts an embedded server with default settings except `settings`, without their prefix:
    REQUESTS_PER_MINUTE="0"."""
    environ = {f"MECHSHARE_{name}": value for name, value in settings.items()}
    port, operations_port = port or free_port(), free_port()
    environ["MECHSHARE_OPERATIONS_ADDRESS"] = f"127.0.0.1:{operations_port}"
    with (folder / "serve.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mechshare", "serve", "--port", str(port), "--workers", str(workers)],
            env={**_plain_environment(), "MECHSHARE_DATA": str(folder / "data"), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = AttackedServer(process, port, operations_port, folder)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _end(server)


@contextmanager
def worker(server: AttackedServer, **settings: str) -> Iterator[None]:
    """Runs a worker with one slot for the installation of `server`; kills it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mechshare", "worker", "--slots", "1"],
        env={
            **_plain_environment(),
            "MECHSHARE_DATA": str(server.folder / "data"),
            **{f"MECHSHARE_{name}": value for name, value in settings.items()},
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(30)


def _plain_environment() -> dict[str, str]:
    """Returns the environment without mechshare's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MECHSHARE_")}


def _wait_until_ready(server: AttackedServer) -> None:
    ends = time.monotonic() + START_TIMEOUT
    while server.process.poll() is None and time.monotonic() < ends:
        if _is_ready(server.port):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{server.log()[-4000:]}")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False  # not listening yet, or it ends
    finally:
        connection.close()


def _end(server: AttackedServer) -> None:
    """Kills everything that the server started: an attack may have left it in any state."""
    for pid in server.members():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # already ended
    server.process.wait(30)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        return found  # ended meanwhile
    return found


def _command_of(pid: int) -> bytes:
    """Returns the command line of a process; nothing if it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[int]:
    """Returns the fields of /proc/PID/stat from the third on, as numbers where possible (proc(5)); zeros if it
    ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [0] * 50
    return [0, *(int(field) for field in fields[1:])]
