"""Stopped and started again under load, long answers and silent senders included: nobody's request fails."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx

from tests.chaos.clips import clip
from tests.chaos.installation import API, PATIENCE, Installation, Process, installed, signed_up

PER_SECOND = 50
ENDS_WITHIN = 30.0
"""Seconds in which a server that is asked to end has ended: part of the promise."""


@dataclass
class Traffic:
    """Requests at a steady rate, whatever becomes of them: reading mostly, some writing, an upload each second.

    A connection that is refused was never the server's: it is tried again, as any client does. Whatever else goes
    wrong is a failure. `journal`: the SHA-256 of each clip that was acknowledged, by its mechanism.
    """

    client: httpx.AsyncClient
    headers: dict[str, str]
    mechanism: str
    media: str
    answered: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    journal: dict[str, str] = field(default_factory=dict)
    _seeds: int = 1000

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        dice, is_over = random.Random(7), asyncio.Event()

        async def flow() -> None:
            began, number = time.monotonic(), 0
            while not is_over.is_set():
                requests.create_task(self._send(number, dice.random()))
                number += 1
                await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))

        async with asyncio.TaskGroup() as requests:
            requests.create_task(flow())
            try:
                yield
            finally:
                is_over.set()

    async def _send(self, number: int, chance: float) -> None:
        what = "upload" if number % PER_SECOND == 0 else "edit" if chance < 0.1 else "read"
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                answer = await self._ask(what, chance)
            except httpx.ConnectError:
                self.refused += 1
                await asyncio.sleep(0.05)
                continue
            except httpx.HTTPError as problem:
                self.failures[f"{what}: {type(problem).__name__} {problem}"] += 1
                return
            self.answered += 1
            if answer.status_code >= 400:
                self.failures[f"{what}: {answer.status_code} {answer.text[:200]}"] += 1
            return
        self.failures[f"{what}: refused for ever"] += 1

    async def _ask(self, what: str, chance: float) -> httpx.Response:
        if what == "upload":
            return await self._upload()
        if what == "edit":
            changes, headers = {"title": f"title {chance}"}, {**self.headers, "If-Match": "*"}
            return await self.client.patch(f"{API}/mechanisms/{self.mechanism}", json=changes, headers=headers)
        if chance < 0.3:
            return await self.client.get(self.media, headers={"Range": "bytes=100-"})
        if chance < 0.5:
            return await self.client.get(f"{API}/search/mechanisms", params={"q": "title"})
        if chance < 0.7:
            return await self.client.get(f"{API}/mechanisms")
        return await self.client.get(f"{API}/mechanisms/{self.mechanism}", headers=self.headers)

    async def _upload(self) -> httpx.Response:
        self._seeds += 1
        content = clip(self._seeds)
        answer = await self.client.post(
            f"{API}/mechanisms",
            headers=self.headers,
            data={"title": f"clip {self._seeds}"},
            files={"file": ("clip.gif", content)},
        )
        if answer.status_code == 202:
            self.journal[answer.json()["id"]] = sha256(content).hexdigest()
        return answer


@dataclass
class Bystanders:
    """Those who would hold a server for minutes: a sender that fell silent, and a listener to events."""

    installation: Installation
    headers: dict[str, str]
    slow: str
    listened: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """Both are there when this is entered, and are let go before it is left."""
        sender, listener = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_half(sender))
            group.create_task(self._listen(listener))
            await asyncio.wait_for(asyncio.gather(sender.wait(), listener.wait()), PATIENCE)
            yield

    async def _send_half(self, there: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.installation.port)
        head = {**self.headers, "Host": "there", "Content-Type": "multipart/form-data; boundary=b"}
        lines = [f"{name}: {value}" for name, value in {**head, "Content-Length": "100000"}.items()]
        part = '--b\r\nContent-Disposition: form-data; name="file"; filename="clip.gif"\r\n\r\n'
        said = "\r\n".join([f"POST {API}/mechanisms HTTP/1.1", *lines, "", part])
        writer.write(said.encode() + clip(1)[:2000])
        await writer.drain()
        there.set()
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                await reader.read()
        writer.close()

    async def _listen(self, there: asyncio.Event) -> None:
        address = f"{API}/mechanisms/{self.slow}/processing/events"
        async with self.installation.visitor(timeout=PATIENCE) as client:
            try:
                async with client.stream("GET", address, headers=self.headers) as events:
                    async for _ in events.aiter_bytes():
                        there.set()
                self.listened["to the end"] += 1
            except httpx.HTTPError as problem:
                self.listened[f"{type(problem).__name__} {problem}"] += 1
            finally:
                there.set()


async def test_a_server_that_is_stopped_under_load_fails_nobody(
    long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    stops, seconds, ended = 20 if long else 3, [], []
    async with installed("embedded", tmp_path, WORKERS="2") as installation, AsyncExitStack() as serving:
        process = serving.enter_context(installation.serving())
        await installation.ready()
        client = await serving.enter_async_context(installation.visitor(timeout=PATIENCE))
        headers = await signed_up(client)
        traffic = await _traffic(client, headers)
        bystanders = Bystanders(installation, headers, await _long_clip(client, headers))
        async with traffic.flowing():
            for _ in range(stops):
                await asyncio.sleep(1)
                async with bystanders.there():
                    stopping = asyncio.create_task(_stopped(process))
                    process = serving.enter_context(installation.serving())
                    status, took = await stopping
                ended.append(status)
                seconds.append(took)
                await installation.ready()
        kept = await _kept(client, headers, traffic.journal)
    altered = {id for id in traffic.journal if kept.get(id) != traffic.journal[id]}
    figure(
        f"{traffic.failures.total()} failed of {traffic.answered + traffic.failures.total()} requests over "
        f"{stops} SIGTERMs; {traffic.refused} refused connections were tried again; listeners: {dict(bystanders.listened)}; "
        f"exit statuses {sorted(set(ended))} in {min(seconds):.1f}-{max(seconds):.1f} s; "
        f"{len(altered)} of {len(traffic.journal)} acknowledged clips altered"
    )
    assert traffic.failures == {}
    assert set(ended) == {0}
    assert set(bystanders.listened) == {"to the end"}
    assert altered == set()


async def _stopped(process: Process) -> tuple[int, float]:
    """The exit status, and the seconds it took. Raises TimeoutExpired."""
    began = time.monotonic()
    status = await asyncio.to_thread(process.terminate, ENDS_WITHIN)
    return status, time.monotonic() - began


async def _traffic(client: httpx.AsyncClient, headers: dict[str, str]) -> Traffic:
    traffic = Traffic(client, headers, "", "")
    traffic.mechanism = (await traffic._upload()).json()["id"]
    mechanism = await _ready(client, headers, traffic.mechanism)
    traffic.media = mechanism["file_url"]
    return traffic


async def _long_clip(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """A mechanism that nobody ever makes ready, because its address is elsewhere."""
    content = clip(5, frames=2000, size=(640, 480))
    answer = await client.post(
        f"{API}/mechanisms", headers=headers, data={"title": "long"}, files={"file": ("clip.gif", content)}
    )
    id: str = answer.raise_for_status().json()["id"]
    return id


async def _ready(client: httpx.AsyncClient, headers: dict[str, str], id: str) -> dict[str, str]:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        told = (await client.get(f"{API}/mechanisms/{id}", headers=headers)).raise_for_status().json()
        if told["processing"]["state"] == "ready":
            return dict(told)
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{id} is not ready: {told}")


async def _kept(client: httpx.AsyncClient, headers: dict[str, str], journal: dict[str, str]) -> dict[str, str]:
    """The SHA-256 of the original of each mechanism, all of which become ready."""
    found = {}
    for id in journal:
        await _ready(client, headers, id)
        original = await client.get(f"{API}/mechanisms/{id}/original", headers=headers)
        found[id] = sha256(original.content).hexdigest()
    return found
