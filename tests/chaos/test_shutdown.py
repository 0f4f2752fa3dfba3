"""Restarts under load, with long responses and silent senders: no request fails."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.chaos.clips import clip
from tests.chaos.installation import API, MAX_WAIT, Installation, Process, installed, signed_up, until, upload
from tests.chaos.installation import ended as over

PER_SECOND = 50
END_TIMEOUT = 150.0
"""Seconds within which a server exits after SIGTERM: 30 are documented, for a machine that is not overloaded."""


@dataclass
class Traffic:
    """Requests at a steady rate, whatever their results: mostly reads, some writes, an upload each second.

    A refused connection never reached the server, so it is retried, as any client does. Any other error counts as a
    failure. `journal` maps mechanisms to the SHA-256 of their acknowledged clips.
    """

    client: httpx.AsyncClient
    headers: dict[str, str]
    mechanism: str = ""
    media: str = ""
    successful: int = 0
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

    async def find_something(self) -> None:
        """Uploads the clip that is read later."""
        self.mechanism = await self.upload()
        self.media = (await self.ready(self.mechanism))["file_url"]

    async def upload(self) -> str:
        id: str = (await self._upload()).raise_for_status().json()["id"]
        return id

    async def ready(self, id: str) -> dict[str, Any]:
        """Returns the mechanism once its clip is ready."""
        ends = time.monotonic() + MAX_WAIT
        while time.monotonic() < ends:
            response = await self.client.get(f"{API}/mechanisms/{id}", headers=self.headers)
            found: dict[str, Any] = response.raise_for_status().json()
            if found["processing"]["state"] == "ready":
                return found
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{id} is not ready: {found}")

    async def stored_digest(self, id: str) -> str:
        """Returns the SHA-256 of a mechanism's original, once it is ready."""
        await self.ready(id)
        original = await self.client.get(f"{API}/mechanisms/{id}/original", headers=self.headers)
        return sha256(original.content).hexdigest()

    async def _send(self, number: int, chance: float) -> None:
        what = "upload" if number % PER_SECOND == 0 else "edit" if chance < 0.1 else "read"
        ends = time.monotonic() + MAX_WAIT
        while time.monotonic() < ends:
            try:
                response = await self._request(what, chance)
            except httpx.ConnectError:
                self.refused += 1
                await asyncio.sleep(0.05)
                continue
            except httpx.HTTPError as problem:
                self.failures[f"{what}: {type(problem).__name__} {problem}"] += 1
                return
            self.successful += 1
            if response.status_code >= 400:
                self.failures[f"{what}: {response.status_code} {response.text[:200]}"] += 1
            return
        self.failures[f"{what}: refused for ever"] += 1

    async def _request(self, what: str, chance: float) -> httpx.Response:
        if what == "upload":
            return await self._upload()
        if what == "edit":
            changes, headers = {"title": f"title {chance}"}, {**self.headers, "If-Match": "*"}
            return await self.client.patch(
                f"{API}/mechanisms/{self.mechanism}", json=changes, headers=headers
            )
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
        response = await self.client.post(
            f"{API}/mechanisms",
            headers=self.headers,
            data={"title": f"clip {self._seeds}"},
            files={"file": ("clip.gif", content)},
        )
        if response.status_code == 202:
            self.journal[response.json()["id"]] = sha256(content).hexdigest()
        return response


@dataclass
class Bystanders:
    """Clients that could delay a shutdown for minutes: a sender that fell silent, and a listener to events."""

    installation: Installation
    headers: dict[str, str]
    waiting: str
    listeners: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """Both are connected when the context is entered, and disconnected before it is left."""
        sender, listener = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_half(sender))
            group.create_task(self._listen(listener))
            await asyncio.wait_for(asyncio.gather(sender.wait(), listener.wait()), MAX_WAIT)
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
            async with asyncio.timeout(MAX_WAIT):
                await reader.read()
        writer.close()

    async def _listen(self, there: asyncio.Event) -> None:
        address = f"{API}/mechanisms/{self.waiting}/processing/events"
        async with self.installation.visitor(timeout=MAX_WAIT, retries=False) as client:
            try:
                async with client.stream("GET", address, headers=self.headers) as events:
                    async for _ in events.aiter_bytes():
                        there.set()
                self.listeners["complete"] += 1
            except httpx.HTTPError as problem:
                self.listeners[f"{type(problem).__name__} {problem}"] += 1
            finally:
                there.set()


async def test_stopping_a_server_under_load_fails_no_request(
    long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    stops, ended = 20 if long else 2, []
    # Only the workers below process clips, so that the listeners' clip stays pending.
    async with installed("embedded", tmp_path, JOB_SLOTS="0") as installation, AsyncExitStack() as serving:
        process = serving.enter_context(installation.serving())
        await installation.ready()
        client = await serving.enter_async_context(installation.visitor(timeout=MAX_WAIT, retries=False))
        headers = await signed_up(client)
        traffic = Traffic(client, headers)
        with installation.running("worker"):
            await traffic.find_something()
        bystanders = Bystanders(installation, headers, waiting=await traffic.upload())
        async with traffic.flowing():
            for number in range(stops):
                await asyncio.sleep(1)
                async with bystanders.there():
                    stopping = asyncio.create_task(_stopped(process))
                    if number % 2:
                        await asyncio.wait([stopping])  # refuses connections meanwhile
                    process = serving.enter_context(installation.serving())
                    ended.append(await stopping)
                await installation.ready()
        with installation.running("worker"):
            altered = [
                id for id, digest in traffic.journal.items() if await traffic.stored_digest(id) != digest
            ]
    seconds = [took for _, took in ended]
    figure(
        f"{traffic.failures.total()} failed of {traffic.successful + traffic.failures.total()} requests over {stops} "
        f"SIGTERMs, {traffic.refused} refused connections tried again; "
        f"ended in {min(seconds):.1f}-{max(seconds):.1f} s; "
        f"{len(altered)} of {len(traffic.journal)} acknowledged clips altered"
    )
    assert traffic.failures == {}
    assert bystanders.listeners == {"complete": stops}
    assert {status for status, _ in ended} == {0}
    assert altered == []


async def _stopped(process: Process) -> tuple[int, float]:
    """Stops the process and returns its exit status and the seconds it took. Raises TimeoutExpired."""
    began = time.monotonic()
    status = await asyncio.to_thread(process.terminate, END_TIMEOUT)
    return status, time.monotonic() - began


async def test_a_job_of_a_stopped_server_is_completed_by_the_next(
    long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    stops, ended, attempts = 5 if long else 1, [], []
    async with installed("embedded", tmp_path) as installation:
        for number in range(stops):
            with installation.serving() as process:
                await installation.ready()
                async with installation.visitor() as client:
                    headers = await signed_up(client)
                    content = long_lasting(number)
                    id = (await upload(client, headers, content, "long")).raise_for_status().json()["id"]
                    await until(partial(_step_of, client, headers, id))
                    if number % 2:
                        suspend_child_of(process)
                ended.append(await _stopped(process))
            with installation.serving():
                await installation.ready()
                async with installation.visitor() as client:
                    status = await over(client, await signed_up(client), id)
                assert status["state"] == "ready", status
                attempts.append(status["attempt"])
    seconds = [took for _, took in ended]
    figure(
        f"0 of {stops} clips lost that were being processed at SIGTERM, each second without an end; "
        f"ready at attempt {attempts}; "
        f"ended in {min(seconds):.1f}-{max(seconds):.1f} s"
    )
    assert {status for status, _ in ended} == {0}


def long_lasting(seed: int) -> bytes:
    """Returns a clip of noise, which takes long to process."""
    dice = random.Random(seed)
    pictures = [Image.frombytes("L", (640, 480), dice.randbytes(640 * 480)) for _ in range(60)]
    written = BytesIO()
    pictures[0].save(written, "GIF", save_all=True, append_images=pictures[1:], duration=40)
    return written.getvalue()


def suspend_child_of(process: Process) -> None:
    """Suspends the child so that the current job can't finish."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"mechshare.adapters.media.child" in (folder / "cmdline").read_bytes() and _is_below(
                int(folder.name), process.pid
            ):
                os.kill(int(folder.name), signal.SIGSTOP)


def _is_below(pid: int, ancestor: int) -> bool:
    while pid not in (0, ancestor):
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return pid == ancestor


async def _step_of(client: httpx.AsyncClient, headers: dict[str, str], id: str) -> str | None:
    """Returns the current step of processing a clip, or None before it starts."""
    status = (await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)).json()
    return status["step"] if status["state"] == "processing" and status["step"] else None
