"""An installation whose real processes and servers are started, killed and suspended."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from servers.kinds import environment
from servers.ports import free_port
from servers.running import Server

from tests.deployments import deployed
from tests.retries import AsyncRetrying
from tests.servers import own_server

T = TypeVar("T")

MAX_WAIT = 300.0
"""Seconds after which a wait fails. Processes of a busy machine take a minute to start."""
PASSWORD = "four-bar linkage"
API = "/api/v1"


class Process:
    """A `mechshare` command in a process group of its own; signals go to the whole group."""

    def __init__(self, command: list[str], environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mechshare", *command],
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def is_at_work(self) -> bool:
        """Whether it has a running child process; a worker starts one per clip."""
        try:
            return bool(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())
        except OSError:
            return False  # it has ended

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """Sends SIGKILL, as at a power cut."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def ended(self, timeout: float = MAX_WAIT) -> int:
        """Waits until it exits by itself and returns its exit status."""
        return self._process.wait(timeout)

    def terminate(self, timeout: float = MAX_WAIT) -> int:
        """Sends SIGTERM to the command itself, as an operator would, and returns its exit status."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout)


@dataclass
class Installation:
    """`environ` has its settings, `servers` are its own servers by kind, and `folder` holds logs and clips."""

    folder: Path
    environ: dict[str, str]
    servers: dict[str, Server] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    operations_port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self, *command: str) -> Iterator[Process]:
        """Runs `mechshare COMMAND` and kills it at the end; an exception gets the end of its log as a note."""
        environ = {"MECHSHARE_OPERATIONS_ADDRESS": f"127.0.0.1:{self.operations_port}", **self.environ}
        process = Process(list(command), environ, self.folder / f"{command[0]}.log")
        try:
            yield process
        except Exception as problem:
            problem.add_note(f"{process.log} ends with\n{self.log_of(command[0])[-3000:]}")
            raise
        finally:
            process.signal(signal.SIGCONT)
            process.kill()

    def serving(self, workers: int = 2) -> Any:
        """Runs `mechshare serve` at `address`, which may not be ready yet."""
        return self.running("serve", "--port", str(self.port), "--workers", str(workers))

    def visitor(self, timeout: float = 60.0, *, retries: bool = True) -> httpx.AsyncClient:
        """Returns a client; one without `retries` shows each refusal of a server that is busy or lacks a dependency."""
        transport = AsyncRetrying() if retries else None
        return httpx.AsyncClient(base_url=self.address, timeout=timeout, transport=transport, trust_env=False)

    def operator(self, timeout: float = 60.0) -> httpx.AsyncClient:
        """Returns a client of the operations listener."""
        address = f"http://127.0.0.1:{self.operations_port}"
        return httpx.AsyncClient(base_url=address, timeout=timeout, trust_env=False)

    async def ready(self) -> None:
        """Returns once `/health/ready` responds with 200."""
        ends = time.monotonic() + MAX_WAIT
        async with self.visitor(retries=False) as client:
            while time.monotonic() < ends:
                try:
                    if (await client.get("/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.1)
        raise TimeoutError(f"not ready: {self.folder}/serve.log ends with\n{self.log_of('serve')[-2000:]}")

    def log_of(self, command: str) -> str:
        """Returns what `mechshare COMMAND` has written so far."""
        log = self.folder / f"{command}.log"
        return log.read_text(errors="replace") if log.exists() else ""


@asynccontextmanager
async def installed(
    profile: str, folder: Path, *, own: Collection[str] = (), **settings: str
) -> AsyncIterator[Installation]:
    """Creates an installation of a deployment. Servers of the kinds in `own` are not shared, so that a test may kill
    them.

    Skips if a server is absent. `settings` are further settings, without their prefix: JOB_SLOTS="0".
    """
    async with AsyncExitStack() as stack:
        environ = await stack.enter_async_context(deployed(profile, folder / "data"))
        servers = {kind: stack.enter_context(own_server(kind)) for kind in own}
        for kind, server in servers.items():
            log_of = environment(kind, server.port)
            environ |= {name: value for name, value in log_of.items() if name.startswith("MECHSHARE_")}
        environ |= {f"MECHSHARE_{name}": value for name, value in settings.items()}
        yield Installation(folder, environ, servers)


async def signed_up(client: httpx.AsyncClient, name: str = "survivor") -> dict[str, str]:
    """Returns headers that sign `name` in, after registering the user if necessary."""
    joining = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await client.post(f"{API}/auth/register", json=joining)
    result = await client.post(f"{API}/auth/login", json={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {result.raise_for_status().json()['access_token']}"}


async def until(attempt: Callable[[], Awaitable[T | None]]) -> T:
    """Calls `attempt` until the result is not None, and returns it. Raises TimeoutError after MAX_WAIT."""
    async with asyncio.timeout(MAX_WAIT):
        while True:
            result = await attempt()
            if result is not None:
                return result
            await asyncio.sleep(0.1)


async def upload(
    client: httpx.AsyncClient, headers: Mapping[str, str], content: bytes, title: str, key: str = ""
) -> httpx.Response:
    once = {"Idempotency-Key": key} if key else {}
    return await client.post(
        f"{API}/mechanisms",
        headers={**headers, **once},
        data={"title": title},
        files={"file": ("clip.gif", content)},
    )


async def ended(client: httpx.AsyncClient, headers: Mapping[str, str], id: str) -> dict[str, Any]:
    """Waits until a mechanism is ready or failed and returns its processing; retries failed requests."""

    async def over() -> dict[str, Any] | None:
        try:
            result = await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)
        except httpx.TransportError:
            return None
        status: dict[str, Any] = result.json() if result.status_code == 200 else {"state": "unknown"}
        return status if status["state"] in ("ready", "failed") else None

    return await until(over)
