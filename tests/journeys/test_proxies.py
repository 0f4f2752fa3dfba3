"""Clips shared, edited and watched through nginx, Caddy and Apache, configured by the files in deploy/."""

import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.clips import write_clip
from tests.proxies import Place, certificate, proxy, wait_until_served
from tests.served import environment_of, served

PUBLIC_URL = "https://mechshare.example/mechshare"
KINDS = ("nginx", "caddy", "apache")
COMPRESSING = tuple(f"compressing-{kind}" for kind in KINDS)
MECHANISMS = "/api/v1/mechanisms"
PASSWORD = "four-bar linkage"
BOUND = 240.0
"""Seconds that anything here may take; a heartbeat takes 15."""
SETTINGS = {
    "MECHSHARE_PUBLIC_URL": PUBLIC_URL,
    "MECHSHARE_TRUSTED_PROXIES": "127.0.0.1",
    "MECHSHARE_JOB_SLOTS": "0",
}
pytestmark = pytest.mark.timeout(600)


class EventStream:
    """Receives an event stream in a thread; `lines` grows while it does."""

    def __init__(self, client: httpx.Client, path: str) -> None:
        self.lines: list[str] = []
        self._client, self._path = client, path
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        try:
            with self._client, self._client.stream("GET", self._path) as response:
                for line in response.iter_lines():
                    self.lines.append(line)
        except httpx.TransportError as problem:
            self.lines.append(f"interrupted: {problem}")  # fails the tests of the stream, and no other test

    def wait_for(self, line: str) -> None:
        ends = time.monotonic() + BOUND
        while line not in self.lines:
            assert self._thread.is_alive(), self.lines
            assert time.monotonic() < ends, self.lines
            time.sleep(0.05)

    def wait_for_end(self) -> None:
        self._thread.join(BOUND)
        assert not self._thread.is_alive()


@dataclass(frozen=True, kw_only=True)
class Site:
    """One mechshare behind every proxy. `user` is signed in and owns `draft`, whose events `streams` receive."""

    folder: Path
    places: dict[str, Place]
    trusted: ssl.SSLContext
    user: dict[str, str]
    draft: str
    streams: dict[str, EventStream]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """No worker runs: the draft stays unprocessed, and its streams have nothing to send but heartbeats."""
    folder = tmp_path_factory.mktemp("proxies")
    trusted = certificate(folder)
    write_clip(folder / "clip.gif", [100] * 6)
    with ExitStack() as stack:
        address = stack.enter_context(served(folder, **SETTINGS)).removeprefix("http://")
        places = {
            name: stack.enter_context(
                proxy(name.rpartition("-")[2], folder / name, address, compresses=name in COMPRESSING)
            )
            for name in (*KINDS, *COMPRESSING)
        }
        for place in places.values():
            wait_until_served(place, trusted)
        with client_of(places["nginx"], trusted) as client:
            user = signed_in(client, "sakura")
            draft = shared(client, user, folder).json()["id"]
        path = f"{MECHANISMS}/{draft}/processing/events"
        streams = {kind: EventStream(client_of(places[kind], trusted, **user), path) for kind in KINDS}
        yield Site(folder=folder, places=places, trusted=trusted, user=user, draft=draft, streams=streams)


def client_of(place: Place, trusted: ssl.SSLContext, **headers: str) -> httpx.Client:
    base_url = f"https://127.0.0.1:{place.https}/mechshare"
    return httpx.Client(base_url=base_url, verify=trusted, trust_env=False, timeout=BOUND, headers=headers)


@contextmanager
def client_through(site: Site, name: str) -> Iterator[httpx.Client]:
    with client_of(site.places[name], site.trusted) as client:
        yield client


def signed_in(client: httpx.Client, name: str) -> dict[str, str]:
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    registered = client.post("/api/v1/auth/register", json=account)
    assert registered.status_code == 201, registered.text
    response = client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    assert "content-encoding" not in response.headers
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def shared(client: httpx.Client, user: dict[str, str], folder: Path) -> httpx.Response:
    fields = {"title": "遊星歯車", "description": "歯車の噛み合い。" * 100}
    with (folder / "clip.gif").open("rb") as file:
        response = client.post(MECHANISMS, headers=user, data=fields, files={"file": ("clip.gif", file)})
    assert response.status_code == 202, response.text
    return response


@pytest.mark.parametrize("name", [*KINDS, *COMPRESSING])
def test_a_mechanism_is_shared_and_edited_with_the_etag_of_a_compressed_response(
    site: Site, name: str
) -> None:
    with client_through(site, name) as client:
        user = signed_in(client, name)
        made = shared(client, user, site.folder)
        assert made.headers["location"] == f"{PUBLIC_URL}{MECHANISMS}/{made.json()['id']}"
        path = made.headers["location"].removeprefix(PUBLIC_URL)
        read = client.get(path, headers={**user, "Accept-Encoding": "gzip"})
        assert (read.status_code, read.headers["content-encoding"]) == (200, "gzip")
        editing = {**user, "If-Match": read.headers["etag"]}
        assert client.patch(path, headers=editing, json={"title": "新"}).status_code == 200
        refused = client.patch(path, headers=editing, json={"title": "古"})
        assert (refused.status_code, refused.json()["code"]) == (412, "STALE_VERSION")


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_path_gets_an_error_in_json(site: Site, kind: str) -> None:
    with client_through(site, kind) as client:
        for path in ("/api/v1/nothing", "/歯車", "/metrics", "/health"):
            response = client.get(path)
            assert (response.status_code, response.json()["status"]) == (404, "error"), path


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_body_is_refused_unless_it_is_a_clip(site: Site, kind: str) -> None:
    with client_through(site, kind) as client:
        refused = client.post("/api/v1/auth/login", content=b" " * 1_100_000)
        assert refused.status_code == 413
        form = {"title": "x", "description": "y" * 50}
        file = {"file": ("a.gif", b"GIF89a" + bytes(3_000_000))}
        assert client.post(MECHANISMS, headers=site.user, data=form, files=file).status_code == 202


@pytest.mark.parametrize("kind", KINDS)
def test_the_refusal_of_an_upload_arrives_although_its_body_was_not_read(site: Site, kind: str) -> None:
    file = b"GIF89a" + bytes(3_000_000)
    for _ in range(3):  # a response that was lost was not lost each time
        with client_through(site, kind) as client:
            unsigned = client.post(MECHANISMS, data={"title": "x"}, files={"file": ("a.gif", file)})
            untyped = client.post(MECHANISMS, headers=site.user, content=file)
        assert (unsigned.status_code, untyped.status_code) == (401, 415)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_http_is_redirected_and_the_home_page_ends_with_a_slash(site: Site, kind: str) -> None:
    place = site.places[kind]
    plain = httpx.get(f"http://127.0.0.1:{place.http}/mechshare/schema", trust_env=False, timeout=BOUND)
    assert plain.status_code in (301, 308)
    assert plain.headers["location"].startswith("https://")
    with client_through(site, kind) as client:
        assert client.get(f"https://127.0.0.1:{place.https}/mechshares").status_code == 404
        bare = client.get(f"https://127.0.0.1:{place.https}/mechshare")
        assert bare.status_code == 308
        assert bare.headers["location"].endswith("/mechshare/")
        parts = re.findall(r'(?:href|src)="/mechshare(/static/[^"]+)"', client.get("/").text)
        assert len(parts) >= 3
        assert {client.get(part).status_code for part in parts} == {200}


@pytest.mark.parametrize("kind", KINDS)
def test_every_address_is_under_the_public_url(site: Site, kind: str) -> None:
    with client_through(site, kind) as client:
        page = client.get("/schema").text
        for address in re.findall(r"""(?:href|src)=["']?([^"' >]+)""", page):
            assert address.startswith(f"{PUBLIC_URL}/"), address
            assert client.get(address.removeprefix(PUBLIC_URL)).status_code == 200, address
        document = client.get("/schema/openapi.json").json()
        assert document["servers"] == [{"url": PUBLIC_URL}]


@pytest.fixture(scope="module")
def with_worker(site: Site) -> Iterator[Site]:
    """The site after each stream has received a heartbeat; from then on a worker runs."""
    for stream in site.streams.values():
        stream.wait_for(": heartbeat")
    command = [sys.executable, "-m", "mechshare", "worker"]
    with (site.folder / "worker.log").open("wb") as log:
        environ = environment_of(site.folder) | SETTINGS
        worker = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        yield site
    finally:
        worker.terminate()
        worker.wait(240)


@pytest.mark.parametrize("kind", KINDS)
def test_events_arrive_until_the_clip_is_ready(with_worker: Site, kind: str) -> None:
    stream = with_worker.streams[kind]
    stream.wait_for_end()
    states = [state for line in stream.lines for state in re.findall(r'^data: \{"state":"(\w+)"', line)]
    assert (states[0], states[-1]) == ("pending", "ready")


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_watched_in_ranges_and_lists_link_to_their_next_page(with_worker: Site, kind: str) -> None:
    site = with_worker
    with client_through(site, kind) as client:
        read = client.get(f"{MECHANISMS}/{site.draft}", headers=site.user).json()
        path = read["file_url"].removeprefix(PUBLIC_URL)
        whole = client.get(path).content
        for range, length in (("bytes=0-", len(whole)), ("bytes=4-7", 4), ("bytes=-10", 10)):
            part = client.get(path, headers={"Range": range})
            assert (part.status_code, len(part.content)) == (206, length), range
        beyond = client.get(path, headers={"Range": f"bytes={len(whole)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
        head = client.head(path)
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole)))
        me = client.get("/api/v1/users/me", headers=site.user).json()["id"]
        own = f"/api/v1/users/{me}/mechanisms"
        listed = client.get(own, params={"limit": 1}, headers=site.user)
        link = re.match(r"<([^>]+)>", listed.headers["link"])
        assert link is not None
        assert link[1].startswith(f"{PUBLIC_URL}/")
        assert client.get(link[1].removeprefix(PUBLIC_URL), headers=site.user).json()["page"] == 2
