"""Each server refused, stopped, slow and full: independent features work, others return an error, and all recover."""

import asyncio
import itertools
import signal
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio
from servers.kinds import environment
from servers.running import GROUP, USER

from tests.chaos.clips import clip
from tests.chaos.installation import API, Installation, ended, installed, signed_up, until, upload
from tests.chaos.proxy import Proxy, proxied

WELL, REFUSED, EITHER = "well", "refused", "either"
"""WELL: 2xx. REFUSED: 503 with Retry-After, or 507. EITHER: one of both, because a cached response is served while
valid."""
ALWAYS = {"live": WELL, "metrics": WELL}
ALL_WELL = dict.fromkeys(
    ("live", "metrics", "get", "get signed in", "list", "search", "media", "login", "upload"), WELL
)
NO_DATABASE = {**dict.fromkeys(ALL_WELL, EITHER), **ALWAYS, "login": REFUSED, "upload": REFUSED}
NO_FILES = {**ALL_WELL, "media": REFUSED, "upload": REFUSED}
SLOW_FILES = {**ALL_WELL, "media": EITHER, "upload": EITHER}

TABLE: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("redis", "refused"): ALL_WELL,
    ("redis", "stopped"): ALL_WELL,
    ("redis", "slow"): ALL_WELL,
    ("redis", "full"): ALL_WELL,
    ("opensearch", "refused"): ALL_WELL,
    ("opensearch", "stopped"): ALL_WELL,
    ("opensearch", "slow"): ALL_WELL,
    ("opensearch", "full"): ALL_WELL,
    ("azurite", "refused"): NO_FILES,
    ("azurite", "stopped"): NO_FILES,
    ("azurite", "slow"): SLOW_FILES,
    ("azurite", "full"): {**SLOW_FILES, "upload": REFUSED},
    ("postgresql", "refused"): NO_DATABASE,
    ("postgresql", "stopped"): NO_DATABASE,
    ("postgresql", "slow"): {**dict.fromkeys(ALL_WELL, EITHER), **ALWAYS},
    ("postgresql", "full"): {**ALL_WELL, "login": REFUSED, "upload": REFUSED},
}
SAYS_DEGRADED = {("opensearch", fault) for fault in ("refused", "stopped", "slow")}
NOT_READY = {("postgresql", fault) for fault in ("refused", "stopped")}
SHORT = ("refused", "stopped")


@dataclass(frozen=True)
class Outcome:
    status: int
    seconds: float
    retry_after: str | None = None
    is_degraded: bool = False

    @property
    def kind(self) -> str:
        if self.status < 300:
            return WELL
        return (
            REFUSED if self.status == 507 or (self.status == 503 and self.retry_after) else str(self.status)
        )


class Visitor:
    """Sends every kind of request. `accepted` has the mechanisms whose upload was acknowledged."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        operator: httpx.AsyncClient,
        headers: dict[str, str],
        id: str,
        media: str,
    ) -> None:
        self._client = client
        self._operator = operator
        self._headers = headers
        self._id = id
        self._media = media
        self._number = itertools.count()
        self.accepted: list[str] = []

    async def visit(self) -> dict[str, Outcome]:
        number = next(self._number)
        signing_in = {"username": "survivor", "password": "four-bar linkage"}
        requests = {
            "live": self._get("/health/live"),
            "metrics": self._timed(self._operator.get("/metrics")),
            "get": self._get(f"{API}/mechanisms/{self._id}"),
            "get signed in": self._get(f"{API}/mechanisms/{self._id}", headers=self._headers),
            "list": self._get(f"{API}/mechanisms?limit={1 + number % 100}"),
            "search": self._get(f"{API}/search/mechanisms?q=clip&limit={1 + number % 100}"),
            # Each time another part of the file: an equal request may get the same response for a second.
            "media": self._get(self._media, headers={"Range": f"bytes={number}-{number}"}),
            "login": self._timed(self._client.post(f"{API}/auth/login", json=signing_in)),
            "upload": self._upload(number),
        }
        return {name: await request for name, request in requests.items()}

    async def readiness(self) -> tuple[int, str]:
        response = await self._client.get("/health/ready")
        return response.status_code, response.json()["status"]

    def _get(self, path: str, **options: Any) -> Any:
        return self._timed(self._client.get(path, **options))

    async def _timed(self, request: Any) -> Outcome:
        began = time.monotonic()
        response: httpx.Response = await request
        decoded = response.headers.get("content-type", "").startswith("application/json") and response.json()
        return Outcome(
            response.status_code,
            time.monotonic() - began,
            response.headers.get("retry-after"),
            bool(decoded and decoded.get("degraded")),
        )

    async def _upload(self, number: int) -> Outcome:
        began = time.monotonic()
        response = await upload(
            self._client, self._headers, clip(number, frames=2), f"clip {number}", key=str(number)
        )
        if response.status_code == 202:
            self.accepted.append(response.json()["id"])
        return Outcome(response.status_code, time.monotonic() - began, response.headers.get("retry-after"))


@pytest.mark.parametrize("kind", ["redis", "opensearch", "azurite", "postgresql"])
async def test_responses_during_a_fault_match_the_table(
    kind: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    faults = [fault for server, fault in TABLE if server == kind and (long or fault in SHORT)]
    decoded = []
    async with (
        installed("distributed", tmp_path, own=[kind]) as installation,
        proxied(installation.servers[kind].port) as proxy,
    ):
        given = environment(kind, proxy.port)
        installation.environ |= {n: v for n, v in given.items() if n.startswith("MECHSHARE_")}
        with installation.serving(), installation.running("worker"):
            await installation.ready()
            async with (
                installation.visitor(retries=False) as client,
                installation.operator() as operator,
            ):
                visitor = await _settled(client, operator)
                for fault in faults:
                    decoded.append(await _faulted(visitor, installation, proxy, kind, fault, long))
                headers = await signed_up(client)
                states = [(await ended(client, headers, id))["state"] for id in visitor.accepted]
    figure(f"{'; '.join(decoded)}; {states.count('ready')} of {len(states)} acknowledged uploads ready")
    assert states == ["ready"] * len(states)


async def _settled(client: httpx.AsyncClient, operator: httpx.AsyncClient) -> Visitor:
    """Returns a visitor once every kind of request succeeds."""
    headers = await signed_up(client)
    id = (await upload(client, headers, clip(10_000), "clip of all")).json()["id"]
    await ended(client, headers, id)
    published = await client.post(f"{API}/mechanisms/{id}/publish", headers=headers)
    assert published.status_code == 200, published.text
    visitor = Visitor(client, operator, headers, id, published.json()["file_url"])
    await until(lambda: _is_well(visitor))
    return visitor


async def _faulted(
    visitor: Visitor, installation: Installation, proxy: Proxy, kind: str, fault: str, long: bool
) -> str:
    """Returns a summary of the responses during a fault and until recovery."""
    outcomes: list[Mapping[str, Outcome]] = []
    async with FAULTS[fault](installation, proxy, kind):
        for _ in range(10 if long else 2):
            outcomes.append(await visitor.visit())
        status, readiness = await visitor.readiness()
    ends = time.monotonic()
    await until(lambda: _is_well(visitor))
    healed = time.monotonic() - ends
    for name, expected in TABLE[kind, fault].items():
        kinds = {response[name].kind for response in outcomes}
        allowed = {WELL, REFUSED} if expected is EITHER else {expected}
        assert kinds <= allowed, f"{kind} {fault}: {name} was {kinds}, not {expected}"
    if (kind, fault) in SAYS_DEGRADED:
        assert all(response["search"].is_degraded for response in outcomes)
    if fault in SHORT:
        assert (status, readiness) == (
            (503, "unavailable") if (kind, fault) in NOT_READY else (200, "degraded")
        )
    times = [response.seconds for all in outcomes for response in all.values()]
    longest = max((response.seconds, name) for all in outcomes for name, response in all.items())
    return (
        f"{fault}: as the table says in {len(times)} answers, "
        f"{statistics.median(times):.2f} s (median), {longest[0]:.1f} s (longest: {longest[1]}), "
        f"well again after {healed:.1f} s"
    )


async def _is_well(visitor: Visitor) -> bool | None:
    outcomes = await visitor.visit()
    is_well = all(response.kind == WELL and not response.is_degraded for response in outcomes.values())
    return (is_well and await visitor.readiness() == (200, "ready")) or None


@asynccontextmanager
async def _refused(installation: Installation, proxy: Proxy, kind: str) -> AsyncIterator[None]:
    await proxy.refuse()
    yield
    await proxy.accept()


@asynccontextmanager
async def _stopped(installation: Installation, proxy: Proxy, kind: str) -> AsyncIterator[None]:
    installation.servers[kind].signal(signal.SIGSTOP)
    yield
    installation.servers[kind].signal(signal.SIGCONT)


@asynccontextmanager
async def _slow(installation: Installation, proxy: Proxy, kind: str) -> AsyncIterator[None]:
    proxy.delay = 2.0
    yield
    proxy.delay = 0.0


@asynccontextmanager
async def _full(installation: Installation, proxy: Proxy, kind: str) -> AsyncIterator[None]:
    """Refuses writes: Azurite's files can't grow; PostgreSQL is made read-only, like a standby."""
    port = installation.servers[kind].port
    if kind == "redis":
        async with redis.asyncio.Redis(port=port) as connection:
            await connection.config_set("maxmemory", "1")
            yield
            await connection.config_set("maxmemory", "0")
    elif kind == "opensearch":
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for block in (True, None):
                body = {"index.blocks.read_only_allow_delete": block}
                (await client.put("/_all/_settings", json=body)).raise_for_status()
                if block:
                    yield
    elif kind == "azurite":
        await asyncio.to_thread(_limit_files, installation.servers[kind].pid, "0")
        yield
        await asyncio.to_thread(_limit_files, installation.servers[kind].pid, "unlimited")
    else:
        await asyncio.to_thread(_set_read_only, port, "on")
        yield
        await asyncio.to_thread(_set_read_only, port, "off")


def _limit_files(pid: int, size: str) -> None:
    """Sets the largest file that a server may write, in bytes, by prlimit(1), as the server's user."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={size}:"], check=True, user=USER, group=GROUP)


def _set_read_only(port: int, value: str) -> None:
    import psycopg

    with psycopg.connect(f"postgresql://mechshare@127.0.0.1:{port}/postgres", autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        connection.execute("SELECT pg_reload_conf()")


FAULTS = {"refused": _refused, "stopped": _stopped, "slow": _slow, "full": _full}
