"""A page on another origin, in a real browser: Debian's Chromium."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, Response, sync_playwright

from tests.http.conftest import API, PASSWORD
from tests.served import served

FRONT_END = Path(__file__).parent / "front_end"
FRAMES, FRAME_RATE = 200, 25
pytestmark = pytest.mark.timeout(600)


class Site(NamedTuple):
    """A server, the page of another origin that it allows, and the log of the server."""

    server: str
    page: str
    log: Path


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("browser")
    pages = shutil.copytree(FRONT_END, folder / "pages")
    _write_noise(pages / "clip.mp4")
    with _serving(pages) as port, served(folder, MECHSHARE_CORS_ORIGINS=f"http://127.0.0.1:{port}") as server:
        joining = {"username": "sakura", "email": "sakura@example.com", "password": PASSWORD}
        httpx.post(
            f"{server}{API}/auth/register", json=joining, trust_env=False, timeout=240
        ).raise_for_status()
        yield Site(server, f"http://127.0.0.1:{port}/index.html?server={server}", folder / "serve.log")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options, timeout=300_000)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(300_000)
    yield page
    page.close()


def test_a_page_of_another_origin_signs_in_uploads_edits_follows_and_watches(site: Site, page: Page) -> None:
    responses = _responses_to(page)
    page.goto(site.page)

    page.evaluate("password => signIn('sakura', password)", PASSWORD)
    id = page.evaluate("upload('歯車', 'clip.mp4')")
    states = page.evaluate("id => follow(id)", id)
    edited = page.evaluate("id => edit(id, '遊星歯車')", id)
    loaded = page.evaluate("id => load(id)", id)
    shown = page.evaluate("seek(video.duration - 1)")
    played_to = page.evaluate("play()")

    assert states[-1] == "ready"
    assert edited["title"] == "遊星歯車"
    assert edited["again"].startswith("412 STALE_VERSION")
    assert loaded == {"duration": FRAMES / FRAME_RATE, "width": 320}
    assert shown["time"] == loaded["duration"] - 1
    assert shown["brightness"] > 80  # noise, and not the black of a canvas without a picture
    assert played_to > shown["time"]
    ranges = [one for one in responses if one.request.headers.get("range")]
    assert {one.status for one in ranges} == {206}
    starts = [int(one.headers["content-range"].split()[1].partition("-")[0]) for one in ranges]
    assert starts[0] == 0
    assert max(starts) > 2_000_000
    (stream,) = [one.url for one in responses if "/processing/events" in one.url]
    (ticket,) = parse_qs(urlsplit(stream).query)["ticket"]
    assert ticket not in site.log.read_text()


def test_a_page_of_an_origin_that_is_not_allowed_reads_nothing(site: Site, page: Page) -> None:
    page.goto(site.page.replace("127.0.0.1", "localhost", 1))
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate("password => signIn('sakura', password)", PASSWORD)


@pytest.mark.parametrize("path", ["/", "/schema"])
def test_the_pages_of_the_server_load_all_their_parts_under_their_policy(
    site: Site, page: Page, path: str
) -> None:
    errors: list[str] = []
    responses = _responses_to(page)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.goto(site.server + path)
    page.wait_for_selector({"/": "main h1", "/schema": ".swagger-ui"}[path])

    assert errors == []
    assert {one.status for one in responses} == {200}


def _responses_to(page: Page) -> list[Response]:
    """Returns a list to which every response that the page gets from now on is added."""
    responses: list[Response] = []

    def add(response: Response) -> None:
        responses.append(response)

    page.on("response", add)
    return responses


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    """Serves the files of `folder` on a port of their own, which makes another origin; yields the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _write_noise(clip: Path) -> None:
    """Writes a clip of noise. Its video has 4 MB: Chromium reads far less ahead, so a seek needs a range of its own."""
    source = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-s",
        "320x240",
        "-r",
        str(FRAME_RATE),
        "-i",
        "/dev/urandom",
    ]
    target = ["-frames:v", str(FRAMES), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "24"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *target, "-pix_fmt", "yuv420p", str(clip)], check=True)
