"""The life of a clip over HTTP: uploaded, processed, published, found, watched, edited, unpublished, deleted."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import cache
from io import BytesIO
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from mechshare import settings
from mechshare.bootstrap.application import build
from mechshare.demo.clips import CLIPS, RATE, DemoClip
from mechshare.demo.encoding import save_clip
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.deployments import DEPLOYMENTS, PARTS, deployed, deployed_adapters
from tests.http.conftest import API, PASSWORD, Running, memory_settings
from tests.office import compound, excel, powerpoint, word
from tests.stills import pdf, quarters

SHARED_MEDIA = Path(__file__).parents[3] / "shared" / "media"
MECHANISMS = f"{API}/mechanisms"
MAX_WAIT = 300.0
"""Seconds after which a wait fails."""


@pytest.fixture(params=["memory", *DEPLOYMENTS])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that really processes clips, in each deployment."""
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            chosen = memory_settings(data, job_slots=1)
        else:
            chosen = settings.load(await stack.enter_async_context(deployed(request.param, data)))
        app = build_app(build(chosen, LoggingObserver(), deployed_adapters(chosen)))
        running = Running(app)
        await running.up()
        stack.push_async_callback(running.down)
        transport = httpx.ASGITransport(app=app)
        yield await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://mechshare.test")
        )


def test_deployments_cover_every_combination_of_two_parts() -> None:
    for one, other in combinations(PARTS, 2):
        assert len({(one in parts, other in parts) for parts in DEPLOYMENTS.values()}) == 4


async def signed_up(client: httpx.AsyncClient) -> dict[str, str]:
    joining = {"username": "sakura", "email": "sakura@example.com", "password": PASSWORD}
    assert (await client.post(f"{API}/auth/register", json=joining)).status_code == 201
    response = await client.post(f"{API}/auth/login", json={"username": "sakura", "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def share(client: httpx.AsyncClient, headers: dict[str, str], path: Path, **fields: str) -> str:
    with path.open("rb") as file:
        response = await client.post(
            MECHANISMS,
            headers=headers,
            data={"title": path.stem, **fields},
            files={"file": (path.name, file)},
        )
    assert response.status_code == 202, response.text
    id: str = response.json()["id"]
    return id


def drawn(clip: DemoClip, into: Path) -> Path:
    path = into / clip.file_name
    path.write_bytes(_content_of(clip))
    return path


@cache
def _content_of(clip: DemoClip) -> bytes:
    """Draws a clip once for all deployments, since that takes seconds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / clip.file_name
        save_clip(clip.frames(), RATE, path)
        return path.read_bytes()


async def processed(client: httpx.AsyncClient, headers: dict[str, str], id: str) -> dict[str, Any]:
    """Returns the result of the processing."""
    async with asyncio.timeout(MAX_WAIT):
        while True:
            response = await client.get(f"{MECHANISMS}/{id}/processing", headers=headers)
            status: dict[str, Any] = response.json()
            if status["state"] in ("ready", "failed"):
                return status
            await asyncio.sleep(0.05)


async def found(client: httpx.AsyncClient, query: str, id: str, *, expected: bool) -> None:
    """Waits until a search finds the mechanism, or no longer finds it: a job updates the index."""
    async with asyncio.timeout(MAX_WAIT):
        while True:
            if (id in await _hits(client, query)) == expected:
                return
            await asyncio.sleep(0.05)


async def _hits(client: httpx.AsyncClient, query: str) -> list[str]:
    response = (await client.get(f"{API}/search/mechanisms", params={"q": query})).json()
    return [item["mechanism"]["id"] for item in response["items"]]


async def test_a_clip_goes_through_its_whole_life(client: httpx.AsyncClient, tmp_path: Path) -> None:
    headers = await signed_up(client)
    clip = next(clip for clip in CLIPS if "planetary-gears" in clip.categories)
    path = await asyncio.to_thread(
        drawn, clip, tmp_path
    )  # seconds, in which the application's timers must run
    id = await share(
        client,
        headers,
        path,
        title=clip.title,
        description=clip.description,
        categories=",".join(clip.categories),
    )
    assert (await client.get(f"{MECHANISMS}/{id}")).status_code == 404
    status = await processed(client, headers, id)
    assert (status["state"], status["reason"], status["attempt"], status["progress"]) == (
        "ready",
        None,
        1,
        1.0,
    )
    await client.post(f"{MECHANISMS}/{id}/publish", headers=headers)
    for query in ("遊星歯車", "歯車", "planetary", "planet gear", "ＰＬＡＮＥＴＡＲＹ"):
        await found(client, query, id, expected=True)
    suggested = (await client.get(f"{API}/search/suggest", params={"q": "遊星"})).json()["items"]
    assert suggested == [clip.title]

    seen = await client.get(f"{MECHANISMS}/{id}")
    mechanism = seen.json()
    assert mechanism["duration"] == clip.period_ms / 1000
    assert mechanism["media"]["frame_count"] == clip.frame_count
    part = await client.get(mechanism["file_url"], headers={"Range": "bytes=0-11"})
    assert (part.status_code, part.content[4:8]) == (206, b"ftyp")
    assert (await client.get(mechanism["thumbnail_url"])).content[8:12] == b"WEBP"

    renamed = await client.patch(
        f"{MECHANISMS}/{id}",
        headers={**headers, "If-Match": seen.headers["etag"]},
        json={"title": "差動歯車"},
    )
    assert renamed.status_code == 200
    await found(client, "差動", id, expected=True)
    await client.post(f"{MECHANISMS}/{id}/withdraw", headers=headers)
    assert (await client.get(mechanism["file_url"])).status_code == 404
    await found(client, "差動", id, expected=False)
    gone = await client.delete(f"{MECHANISMS}/{id}", headers={**headers, "If-Match": "*"})
    assert gone.status_code == 204
    assert (await client.get(f"{MECHANISMS}/{id}", headers=headers)).status_code == 404


def expected_clips() -> list[Any]:
    """Returns (file, width, height, frames, seconds) of each clip in the README of the shared clips."""
    readme = SHARED_MEDIA / "README.md"
    if not readme.exists():
        return [
            pytest.param(
                None, id="none", marks=pytest.mark.skip(reason=f"there are no clips in {SHARED_MEDIA}")
            )
        ]
    row = re.compile(r"^\| (\S+\.gif) \| (\d+) x (\d+) \| (\d+) \| ([\d.]+) \|$", re.MULTILINE)
    return [pytest.param(match, id=match[0]) for match in row.findall(readme.read_text(encoding="utf-8"))]


# How a clip is decoded does not depend on the deployment: the smallest and the largest one suffice.
@pytest.mark.parametrize("client", ["memory", "distributed"], indirect=True)
@pytest.mark.parametrize("expected", expected_clips())
async def test_durations_of_real_clips_are_exact_to_the_millisecond(
    client: httpx.AsyncClient, expected: tuple[str, str, str, str, str]
) -> None:
    name, width, height, frames, seconds = expected
    headers = await signed_up(client)
    id = await share(client, headers, SHARED_MEDIA / name)
    assert (await processed(client, headers, id))["state"] == "ready"
    mechanism = (await client.get(f"{MECHANISMS}/{id}", headers=headers)).json()
    media = mechanism["media"]
    assert (media["width"], media["height"], media["frame_count"]) == (int(width), int(height), int(frames))
    assert mechanism["duration"] == pytest.approx(float(seconds), abs=0.005)
    assert (await client.get(mechanism["preview_url"])).status_code == 200


GIF_HEAD = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
HUGE_PICTURE = b",\x00\x00\x00\x00\x80\x3e\x80\x3e\x00\x02\x02\x4c\x01\x00;"
MP4_HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
REFUSED = {
    "ffconcat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "playlist.m3u8": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/x.ts\n",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "page.gif": b"<!doctype html><script>alert(1)</script>",
    "manifest.mpd": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
    "text.mov": "ただの文章".encode(),
    "empty.gif": b"",
    "still.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40),
    "script.mp4": b"#!/bin/sh\nrm -rf /\n",
}
FAILED = {
    "headless.mp4": MP4_HEAD + b"\x00" * 500,
    "polyglot.gif": GIF_HEAD + b"<script>alert(1)</script>" * 10,
    "huge.gif": b"GIF89a\x80\x3e\x80\x3e\x80\x00\x00"
    + GIF_HEAD[13:]
    + b",\x00\x00\x00\x00\x80\x3e\x80\x3e\x00\x02\x02\x4c\x01\x00;",
    "noise.webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
    + bytes(200),
    "webp.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(30),
}


async def test_hostile_files_fail_with_a_reason_and_the_server_keeps_running(
    client: httpx.AsyncClient, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    headers = await signed_up(client)
    failing = list(FAILED.items())
    if request.node.callspec.params["client"] not in ("memory", "embedded"):
        failing = failing[:2]  # the others differ in nothing that a deployment sees
    for name, content in REFUSED.items():
        response = await client.post(
            MECHANISMS, headers=headers, data={"title": name}, files={"file": (name, content, "video/mp4")}
        )
        assert (response.status_code, response.json()["code"]) == (415, "UNSUPPORTED_FILE"), name
    for name, content in failing:
        path = tmp_path / name
        path.write_bytes(content)
        id = await share(client, headers, path)
        status = await processed(client, headers, id)
        assert status["state"] == "failed", name
        assert len(status["reason"]["message"]) > 20
        refused = await client.post(f"{MECHANISMS}/{id}/publish", headers=headers)
        assert refused.json()["code"] == "MECHANISM_NOT_READY"
    clip = min(CLIPS, key=lambda one: one.period_ms)
    id = await share(client, headers, await asyncio.to_thread(drawn, clip, tmp_path))
    assert (await processed(client, headers, id))["state"] == "ready"


def ten_kinds() -> dict[str, bytes]:
    """Returns a file of each kind that people share, by its extension."""
    files = {"pdf": pdf(["Slider"]), "docx": word(["Slider"]), "pptx": powerpoint(["Slider"])}
    files |= {"xlsx": excel({"Slider": [1]}), "doc": compound("WordDocument"), "xls": compound("Workbook")}
    files["ppt"] = compound("PowerPoint Document")
    for extension, plugin in (("jpg", "JPEG"), ("png", "PNG"), ("gif", "GIF")):
        content = BytesIO()
        quarters().save(content, plugin)
        files[extension] = content.getvalue()
    return files


async def test_the_ten_kinds_of_file_are_shared_and_shown(
    client: httpx.AsyncClient, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    headers = await signed_up(client)
    files, shared = ten_kinds(), {}
    if request.node.callspec.params["client"] not in ("memory", "embedded"):
        # One of each way to be read: the others differ in nothing that a deployment sees.
        files = {extension: files[extension] for extension in ("docx", "xls", "png")}
    for extension, content in files.items():
        path = tmp_path / f"file.{extension}"
        path.write_bytes(content)
        shared[extension] = await share(client, headers, path)
    for extension, id in shared.items():
        assert (await processed(client, headers, id))["state"] == "ready", extension
        published = (await client.post(f"{MECHANISMS}/{id}/publish", headers=headers)).json()
        for url in (published["file_url"], published["thumbnail_url"]):
            assert (await client.get(url, follow_redirects=True)).status_code == 200, extension
