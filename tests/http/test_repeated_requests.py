"""Requests that repeat earlier ones: they get the same responses without passing the layers again."""

import gc
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mechshare.entrypoints.http.middleware import public_media, repeated_requests
from mechshare.entrypoints.http.middleware.repeated_requests import RepeatedRequestsMiddleware
from mechshare.entrypoints.http.protocol.client_address import ClientAddresses
from mechshare.entrypoints.http.shutdown import Shutdown
from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"
OF_ONE_RESPONSE = {"x-request-id", "ratelimit"}


class Server:
    """The layer in front of a site; counts the requests that reach the other layers (`reached`)."""

    def __init__(self, site: Site, trusted: tuple[str, ...] = ()) -> None:
        self.reached = 0
        self.shutdown = Shutdown()
        self._site = site
        self._layer = RepeatedRequestsMiddleware(
            self._reach, site.application, self.shutdown, ClientAddresses(trusted)
        )
        transport = httpx.ASGITransport(self._call)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def _call(self, scope: Any, receive: Any, send: Any) -> None:
        await self._layer(scope, receive, send)

    async def _reach(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await self._site.app(scope, receive, send)

    async def reach(self, method: str, address: str, headers: dict[str, str]) -> list[int]:
        """Sends the request three times; returns how many of each reached the other layers."""
        found = []
        for _ in range(3):
            before = self.reached
            await self.client.request(method, address, headers=headers)
            found.append(self.reached - before)
        return found


@pytest.fixture
async def server(site: Site) -> AsyncIterator[Server]:
    made = Server(site)
    async with made.client:
        yield made


def comparable(response: httpx.Response) -> Any:
    fields = [(name, value) for name, value in response.headers.items() if name not in OF_ONE_RESPONSE]
    return response.status_code, sorted(fields), response.content


def left_of(response: httpx.Response) -> int:
    """Returns how many requests the client has left."""
    return int(response.headers["ratelimit"].partition("r=")[2].partition(";")[0])


async def views_of(site: Site, address: str) -> Any:
    await site.application.statistics.refresh()
    return (await site.client.get(address, headers={"Sec-Purpose": "prefetch"})).json()["stats"]["views"]


async def test_a_repeated_request_gets_the_same_response_without_passing_the_layers(
    site: Site, server: Server
) -> None:
    made = await site.published(await site.sign_up("sakura"))
    for address in (f"{MECHANISMS}/{made['id']}", f"{MECHANISMS}?limit=2", f"{API}/search/mechanisms?q=歯車"):
        # The first one loads what is not cached, and the second one is remembered.
        responses = [await server.client.get(address) for _ in range(2)]
        before = server.reached
        responses += [await server.client.get(address) for _ in range(2)]
        assert server.reached == before
        assert all(comparable(response) == comparable(responses[0]) for response in responses)
        assert len({response.headers["x-request-id"] for response in responses}) == 4


async def test_a_request_that_differs_passes_the_layers(site: Site, server: Server) -> None:
    made = await site.published(await site.sign_up("sakura"))
    address = f"{MECHANISMS}/{made['id']}"
    etag = (await server.client.get(address)).headers["etag"]
    assert await server.reach("GET", address, {}) == [0, 0, 0]
    for headers in (
        {"Accept-Encoding": "identity"},
        {"Accept-Encoding": "br"},
        {"If-None-Match": etag},
        {"Origin": "https://app.example.com"},
        {"Sec-Purpose": "prefetch"},
        {"User-Agent": "x" * 501},
    ):
        assert await server.reach("GET", address, headers) == [1, 0, 0], headers
    assert await server.reach("GET", f"{address}?", {}) == [0, 0, 0]  # the same address, as HTTP has it
    assert await server.reach("GET", f"{address}?a=1", {}) == [1, 0, 0]


async def test_browsers_and_languages_share_a_response_and_count_as_views_of_their_own(
    site: Site, server: Server
) -> None:
    address = f"{MECHANISMS}/{(await site.published(await site.sign_up('sakura')))['id']}"
    before = await views_of(site, address)
    first = await server.client.get(address)
    for headers in (
        {"User-Agent": "Firefox/140.0", "Accept-Language": "ja", "Referer": "https://example.com/"},
        {"User-Agent": "Chrome/140.0", "Sec-CH-UA": "Chromium", "Priority": "u=1", "DNT": "1"},
        {"User-Agent": "Googlebot/2.1"},
        {"User-Agent": ""},
    ):
        assert await server.reach("GET", address, headers) == [0, 0, 0], headers
        assert comparable(await server.client.get(address, headers=headers)) == comparable(first)
    assert await views_of(site, address) == before + 3  # without the bot, and what names no program


async def test_a_request_with_too_many_bytes_is_refused_at_a_known_address_too(
    site: Site, server: Server
) -> None:
    address = f"{MECHANISMS}/{(await site.published(await site.sign_up('sakura')))['id']}"
    await server.client.get(address)
    long: list[tuple[str, str]] = [("User-Agent", "x" * 17_000)]
    for fields in (long, [("Accept-Language", "x" * 490)] * 40, [("X-Forwarded-For", "192.0.2.1")] * 700):
        refused = await server.client.get(address, headers=fields)
        assert (refused.status_code, refused.json()["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_a_request_of_one_caller_always_passes_the_layers(site: Site, server: Server) -> None:
    headers = await site.sign_up("sakura")
    address = f"{MECHANISMS}/{(await site.published(headers))['id']}"
    await server.client.get(address)
    for own in (headers, {"Cookie": "theme=dark"}, {"X-Request-ID": "mine"}):
        assert await server.reach("GET", address, own) == [1, 1, 1], own
    for method in ("HEAD", "OPTIONS"):
        assert await server.reach(method, address, {}) == [1, 1, 1]


async def test_a_change_reaches_the_next_request(site: Site, server: Server) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    address = f"{MECHANISMS}/{made['id']}"
    etag = [(await server.client.get(address)).headers["etag"] for _ in range(3)][-1]
    changed = await site.client.patch(
        address, headers={**headers, "If-Match": etag}, json={"title": "遊星歯車"}
    )
    assert changed.status_code == 200
    assert {(await server.client.get(address)).json()["title"] for _ in range(3)} == {"遊星歯車"}
    gone = await site.client.delete(address, headers={**headers, "If-Match": changed.headers["etag"]})
    assert gone.status_code == 204
    assert {(await server.client.get(address)).status_code for _ in range(3)} == {404}


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
async def test_new_numbers_of_a_mechanism_need_no_other_layer(
    site: Site, server: Server, coding: str
) -> None:
    made = await site.published(await site.sign_up("sakura"), description="歯車" * 1_000)
    address, headers = f"{MECHANISMS}/{made['id']}", {"Accept-Encoding": coding}
    first = await server.client.get(address, headers=headers)
    reached = server.reached
    for number in range(1, 4):
        await server.client.get(address, headers={**headers, "User-Agent": f"viewer {number}"})
        assert await views_of(site, address) > first.json()["stats"]["views"]
        again = await server.client.get(address, headers={**headers, "User-Agent": "curl/8.0"})
        assert comparable(again) == comparable(await site.client.get(address, headers=headers))
        assert again.headers["etag"] != first.headers["etag"]
    assert server.reached == reached


async def test_a_condition_on_former_content_passes_the_layers_once_the_numbers_are_new(
    site: Site, server: Server
) -> None:
    address = f"{MECHANISMS}/{(await site.published(await site.sign_up('sakura')))['id']}"
    etag = (await server.client.get(address)).headers["etag"]
    known = [await server.client.get(address, headers={"If-None-Match": etag}) for _ in range(2)]
    assert [response.status_code for response in known] == [304, 304]
    await server.client.get(address, headers={"User-Agent": "viewer"})
    await views_of(site, address)
    changed = await server.client.get(address, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.headers["etag"] == etag) == (200, False)
    assert comparable(changed) == comparable(await site.client.get(address))


async def test_clients_share_a_response_and_have_limits_and_views_of_their_own(open_site: Any) -> None:
    site = await open_site(requests_per_minute=40, trusted_proxies=("127.0.0.1",))
    made = await site.published(await site.sign_up("sakura"))
    server = Server(site, ("127.0.0.1",))
    address = f"{MECHANISMS}/{made['id']}"
    before = await views_of(site, address)
    async with server.client as client:
        await client.get(address, headers={"X-Forwarded-For": "203.0.113.1"})
        of_one = [await client.get(address, headers={"X-Forwarded-For": "203.0.113.2"}) for _ in range(60)]
        of_other = await client.get(address, headers={"X-Forwarded-For": "203.0.113.3"})
    assert [response.status_code for response in of_one] == [200] * 40 + [429] * 20
    assert [left_of(response) for response in of_one[:40]] == [*range(39, -1, -1)]
    assert of_one[-1].json()["code"] == "TOO_MANY_REQUESTS"
    assert (of_other.status_code, left_of(of_other)) == (200, 39)
    assert server.reached == 1 + 20
    assert await views_of(site, address) == before + 3


async def test_requests_pass_the_layers_after_the_shutdown_began(site: Site, server: Server) -> None:
    made = await site.published(await site.sign_up("sakura"))
    address = f"{MECHANISMS}/{made['id']}"
    await server.client.get(address)
    server.shutdown.begin()
    assert await server.reach("GET", address, {}) == [1, 1, 1]


async def test_the_memory_of_repeated_requests_is_bounded(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await site.published(await site.sign_up("sakura"))
    address = f"{MECHANISMS}/{made['id']}"
    monkeypatch.setattr(repeated_requests, "MAX_REMEMBERED_BYTES", 40_000)
    await server.client.get(address)
    for number in range(10):
        await server.client.get(address, headers={"Accept": f"kind/{number}"})
    assert await server.reach("GET", address, {"Accept": "kind/9"}) == [0, 0, 0]
    assert await server.reach("GET", address, {}) == [1, 0, 0]
    assert await server.reach("GET", address, {"Accept": "x" * 8_000}) == [1, 1, 1]


@pytest.mark.parametrize(
    "fields",
    [{"Accept-Encoding": "br"}, {"If-None-Match": "*"}, {f"X-{number}": "a" for number in range(30)}],
    ids=["compressed", "without content", "many fields"],
)
async def test_remembered_responses_take_no_more_memory_than_stated(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    made = await site.published(await site.sign_up("sakura"), description="歯車" * 2_000)
    address, bound = f"{MECHANISMS}/{made['id']}", 1_500_000
    fields = {**fields, "Sec-Purpose": "prefetch"}  # which is no view: the visitors take memory, too
    monkeypatch.setattr(repeated_requests, "MAX_REMEMBERED_BYTES", bound)
    await server.client.get(address, headers=fields)
    tracemalloc.start()
    try:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(500):
            own = {name: f"a{number}" for name, value in fields.items() if value == "a"}
            await server.client.get(address, headers={**fields, **own, "Accept": f"kind/{number}"})
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < bound


async def test_a_proxy_gets_the_same_instruction_until_the_file_is_not_public(
    open_site: Any, tmp_path: Path
) -> None:
    site = await open_site(media_offload="x-accel", blobs_url=f"file://{tmp_path}/blobs")
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    server = Server(site)
    async with server.client as client:
        first = await client.get(made["file_url"])
        for requested in ({}, {"If-None-Match": first.headers["etag"]}):
            await client.get(made["file_url"], headers=requested)
            assert await server.reach("GET", made["file_url"], requested) == [0, 0, 0]
        again = await client.get(made["file_url"])
        assert comparable(again) == comparable(first)
        assert "x-accel-redirect" in again.headers
        await site.client.post(f"{MECHANISMS}/{made['id']}/withdraw", headers=headers)
        assert (await client.get(made["file_url"])).status_code == 404


async def test_a_small_part_of_a_file_is_remembered_until_the_file_is_not_public(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_media, "_REPEATED_SECONDS", 3_600)
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    part = {"Range": "bytes=0-9"}
    client = server.client
    first = await client.get(made["file_url"], headers=part)
    assert await server.reach("GET", made["file_url"], part) == [0, 0, 0]
    again = await client.get(made["file_url"], headers=part)
    other = await client.get(made["file_url"], headers={"Range": "bytes=10-19"})
    assert (again.status_code, comparable(again)) == (206, comparable(first))
    assert other.headers["content-range"].startswith("bytes 10-19/")
    await site.client.post(f"{MECHANISMS}/{made['id']}/withdraw", headers=headers)
    assert (await client.get(made["file_url"], headers=part)).status_code == 404


async def test_the_content_of_a_file_is_remembered_for_a_moment_only(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_media, "_REPEATED_SECONDS", 0)
    made = await site.published(await site.sign_up("sakura"))
    assert await server.reach("GET", made["file_url"], {}) == [1, 1, 1]
    assert await server.reach("GET", made["file_url"], {"Range": "bytes=0-9"}) == [1, 1, 1]


async def test_large_bodies_are_not_remembered(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_media, "_MAX_REPEATED_BYTES", 9)
    made = await site.published(await site.sign_up("sakura"))
    assert await server.reach("GET", made["file_url"], {"Range": "bytes=0-9"}) == [1, 1, 1]
