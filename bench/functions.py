"""How many functions of mechshare a request enters: `python -m bench.functions`.

A guide to how far a reader has to jump, not a gate. Each request runs in this process over the embedded adapters, all
but the publication in a newly started application. A function counts once, however often it is entered; comprehensions
do not count. `--names` lists the functions of each request in the order of first entry, with the line where each starts
and its number of lines.
"""

import asyncio
import io
import logging
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx
from PIL import Image

import mechshare
from mechshare.entrypoints.http.app import create

API = "/api/v1"
_PACKAGE = str(Path(mechshare.__file__ or "").parent)
_PASSWORD = "four-bar linkage"
_START_SECONDS = 60
_READY_SECONDS = 300
_POLL_SECONDS = 0.2
_SETTLING_SECONDS = 1.0
"""Time for the background work after the start to finish."""


class EnteredFunctions:
    """Records the functions of mechshare that any thread enters inside `with`."""

    def __init__(self) -> None:
        self._is_recording = False
        self.codes: dict[CodeType, None] = {}
        threading.setprofile(self._record)
        sys.setprofile(self._record)

    def __enter__(self) -> "EnteredFunctions":
        self.codes = {}
        self._is_recording = True
        return self

    def __exit__(self, *failure: object) -> None:
        self._is_recording = False

    def names(self) -> list[str]:
        """Returns `path:first line qualified name (lines)` of each function, in the order of first entry."""
        return [_described(code) for code in self.codes]

    def _record(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        is_function = not code.co_name.startswith("<") or code.co_name == "<lambda>"
        if self._is_recording and event == "call" and is_function and code.co_filename.startswith(_PACKAGE):
            self.codes.setdefault(code)


def _described(code: CodeType) -> str:
    last_line = max(line for _, _, line in code.co_lines() if line is not None)
    path = code.co_filename.removeprefix(_PACKAGE + "/")
    return f"{path}:{code.co_firstlineno} {code.co_qualname} ({last_line - code.co_firstlineno + 1})"


@asynccontextmanager
async def _running(data: Path, job_slots: int) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of a new application over the files in `data`, which starts and stops as in a server."""
    os.environ |= {
        "MECHSHARE_DATA": str(data),
        "MECHSHARE_JOB_SLOTS": str(job_slots),
        "MECHSHARE_REQUESTS_PER_MINUTE": "0",
        "MECHSHARE_UNFINISHED_CLIPS_PER_USER": "0",
    }
    app: Any = create()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outgoing: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    running = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, outgoing.put)
    )
    await _pass_on(incoming, outgoing, "startup")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        await asyncio.sleep(_SETTLING_SECONDS)
        yield client
    await _pass_on(incoming, outgoing, "shutdown")
    await running


async def _pass_on(incoming: asyncio.Queue[Any], outgoing: asyncio.Queue[Any], phase: str) -> None:
    await incoming.put({"type": f"lifespan.{phase}"})
    async with asyncio.timeout(_START_SECONDS):
        message = await outgoing.get()
    if message["type"] != f"lifespan.{phase}.complete":
        raise RuntimeError(f"{phase} failed: {message}")


async def _sign_up(client: httpx.AsyncClient) -> dict[str, str]:
    account = {"username": "reader", "email": "reader@example.com", "password": _PASSWORD}
    (await client.post(f"{API}/auth/register", json=account)).raise_for_status()
    signed_in = await client.post(f"{API}/auth/login", json={"username": "reader", "password": _PASSWORD})
    return {"Authorization": f"Bearer {signed_in.raise_for_status().json()['access_token']}"}


async def _upload(client: httpx.AsyncClient, headers: Mapping[str, str], clip: bytes) -> str:
    response = await client.post(
        f"{API}/mechanisms",
        data={"title": "Crank and rocker"},
        files={"file": ("clip.gif", clip, "image/gif")},
        headers=headers,
    )
    return str(response.raise_for_status().json()["id"])


async def _get_until(
    client: httpx.AsyncClient, path: str, headers: Mapping[str, str], is_done: Callable[[Any], bool]
) -> httpx.Response:
    """Returns the first response whose JSON satisfies `is_done`. Raises TimeoutError."""
    async with asyncio.timeout(_READY_SECONDS):
        response = await client.get(path, headers=headers)
        while not is_done(response.raise_for_status().json()):
            await asyncio.sleep(_POLL_SECONDS)
            response = await client.get(path, headers=headers)
    return response


async def _count(data: Path, clip: bytes) -> dict[str, list[str]]:
    entered = EnteredFunctions()
    counted: dict[str, list[str]] = {}
    async with _running(data, job_slots=1) as client:
        headers = await _sign_up(client)
        id = await _upload(client, headers, clip)
        path = f"{API}/mechanisms/{id}"
        ready = await _get_until(client, path, headers, lambda one: one["processing"]["state"] == "ready")
        with entered:
            version = {"If-Match": ready.headers["ETag"]}
            (await client.post(f"{path}/publish", headers={**headers, **version})).raise_for_status()
        counted["publish (the worker's functions included)"] = entered.names()
        await _get_until(client, f"{API}/search/mechanisms?q=rocker", {}, lambda page: bool(page["items"]))
    for name, path in {
        "list cold": f"{API}/mechanisms?limit=7",
        "GET cold": f"{API}/mechanisms/{id}",
        "search cold": f"{API}/search/mechanisms?q=crank",
    }.items():
        async with _running(data, job_slots=0) as client:
            with entered:
                (await client.get(path)).raise_for_status()
            counted[name] = entered.names()
    async with _running(data, job_slots=0) as client:
        with entered:
            await _upload(client, headers, clip)
        counted["upload"] = entered.names()
    return counted


def _clip() -> bytes:
    """Returns an animated GIF of a moving square."""
    frames = [Image.new("L", (64, 48), 255) for _ in range(8)]
    for step, frame in enumerate(frames):
        frame.paste(0, (step * 6, 16, step * 6 + 12, 28))
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return content.getvalue()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mechshare-functions-") as folder:
        counted = asyncio.run(_count(Path(folder) / "data", _clip()))
    for name, functions in counted.items():
        files = {function.partition(":")[0] for function in functions}
        print(f"{name}: {len(functions)} functions in {len(files)} files")
        if "--names" in sys.argv:
            print(*(f"  {function}" for function in functions), sep="\n")


if __name__ == "__main__":
    main()
