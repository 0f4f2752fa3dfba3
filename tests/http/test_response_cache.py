"""Cached responses equal rendered ones byte for byte, and are never older than the promised bound."""

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from litestar.types import ASGIApp
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.adapters.shared_memory import CHECK_INTERVAL
from mechshare.application import Application
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import build
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.users import User
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.http.middleware import response_cache
from mechshare.entrypoints.http.middleware.compression import CompressionMiddleware
from mechshare.entrypoints.http.middleware.response_cache import (
    MAX_QUERY_STRING_BYTES,
    ResponseCacheMiddleware,
)
from mechshare.entrypoints.http.public_reads.reads import PublicReads
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.ports.blobs import BlobStore
from mechshare.ports.cache import STALENESS, CacheKey, Load
from mechshare.services.jobs import JobRunner
from mechshare.services.users import Registration
from mechshare.settings import Settings, load
from tests.http.conftest import API, PASSWORD, Running, Site, reused_routes
from tests.servers import redis_url

MECHANISMS = f"{API}/mechanisms"
ELSEWHERE = {
    "file_url": "https://media.example/a.mp4",
    "thumbnail_url": "https://media.example/a.webp",
    "duration": 2.4,
}
CLIP = f"1-{'0' * 32}.mp4"
_STATISTICS = re.compile(rb'"stats":\{[^}]*\}')
COMPARED_FIELDS = ("etag", "cache-control", "vary", "link", "content-type")
NAMES = ("sakura", "root")
CATEGORIES, SEARCH = f"{API}/categories", f"{API}/search"
STEPS = (
    *("create", "publish", "withdraw", "rename", "delete", "suspend", "admit"),
    *("add category", "rename category", "remove category", "file under it", "lose the cache"),
)


class Uncached:
    """A cache that stores nothing."""

    max_age: timedelta | None = None

    def cached(self, tag: str, key: str, *, fresh: bool = False) -> bytes | None:
        return None

    async def get_or_load(
        self,
        tag: str,
        key: str,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
        *,
        fresh: bool = False,
    ) -> bytes:
        return await load()

    async def get_or_load_many(
        self,
        keys: Sequence[CacheKey],
        load: Load,
        lifetime: timedelta,
        *,
        fresh: bool = False,
    ) -> Sequence[bytes]:
        return await load(keys)

    async def invalidate(self, *tags: str) -> None:
        return

    async def refresh(self, *tags: str) -> None:
        return

    async def check(self) -> str:
        return "keeps nothing"

    async def close(self) -> None:
        return


class NewServer:
    """A server with new state and a new response cache for each request."""

    def __init__(self, litestar: ASGIApp, application: Application) -> None:
        self._litestar = litestar
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {}
        application = self._application
        reads = PublicReads(application)
        cached = ResponseCacheMiddleware(
            self._litestar, application.authentication, application.statistics, reads
        )
        await cached(scope, receive, send)


@dataclass
class World:
    """Two processes of one installation, and a third that reads from the database alone."""

    stack: AsyncExitStack
    settings: Settings
    caching: list[httpx.AsyncClient]
    uncached: httpx.AsyncClient
    runners: list[JobRunner]
    blobs: BlobStore
    owner: dict[str, str]
    admin: dict[str, str]
    owner_id: str
    made: list[str]
    removed: set[str] = field(default_factory=set)
    """Mechanisms that are public no more."""
    shown: dict[tuple[str, str], list[tuple[Any, float]]] = field(default_factory=dict)
    """By address and caller, what was to be shown and until when, by `time.monotonic()`."""

    async def take(self, step: str, process: int, which: int) -> None:
        client = self.caching[process]
        if step == "lose the cache":
            await lose_shared_cache(self.settings)
            await self._replace(process)
        elif step == "create":
            body = {"title": f"歯車 {len(self.made)}", **ELSEWHERE}
            response = await client.post(MECHANISMS, headers=self.owner, json=body)
            if response.status_code == 201:
                self.made.append(response.json()["id"])
                await self.blobs.write(f"media/{self.made[-1]}/{CLIP}", film())
        elif step in ("suspend", "admit"):
            await client.patch(
                f"{API}/users/{self.owner_id}",
                headers={**self.admin, "If-Match": "*"},
                json={"is_suspended": step == "suspend"},
            )
        elif step.endswith("category"):
            await self._change_category(client, step)
        elif self.made:
            await self._change(client, step, f"{MECHANISMS}/{self.made[which % len(self.made)]}")

    async def _replace(self, process: int) -> None:
        """Starts a new process in place of one that was killed."""
        application = build(self.settings, LoggingObserver())
        self.runners[process] = application.runner
        self.caching[process] = await served(self.stack, application)

    async def _change_category(self, client: httpx.AsyncClient, step: str) -> None:
        address, given = f"{CATEGORIES}/gears", {**self.admin, "If-Match": "*"}
        if step == "add category":
            body = {"id": "gears", "name_en": "Gears", "name_ja": "歯車"}
            await client.post(CATEGORIES, headers=self.admin, json=body)
        elif step == "rename category":
            await client.patch(address, headers=given, json={"name_en": "Toothed wheels"})
        else:
            await client.delete(address, headers=given)

    async def _change(self, client: httpx.AsyncClient, step: str, address: str) -> None:
        given = {**self.admin, "If-Match": "*"}
        if step in ("withdraw", "delete"):
            self.removed.add(address.rpartition("/")[2])
        elif step == "publish":
            self.removed.discard(address.rpartition("/")[2])
        if step == "rename":
            await client.patch(address, headers=given, json={"title": "新しい歯車"})
        elif step == "file under it":
            await client.patch(address, headers=given, json={"categories": ["gears"]})
        elif step == "delete":
            await client.delete(address, headers=given)
        else:
            body = {"json": {"reason": "broken"}} if step == "withdraw" else {}
            await client.post(f"{address}/{step}", headers=self.admin, **body)

    async def work(self, process: int) -> None:
        """Runs all due jobs; afterwards the search index has every change."""
        while await self.runners[process].run_one() is not None:
            continue

    async def look(self, changed_at: float) -> None:
        """Compares the processes twice, so that the second comparison reads cached responses.

        What was shown until `changed_at`, the time of the last change, may be shown for STALENESS after it; but never
        what was removed, nor anything to the admin, who makes the changes, except searches, which jobs change.
        """
        await self.check_search()
        for _ in range(2):
            for address in [
                *(f"{MECHANISMS}/{id}" for id in self.made),
                *(f"{API}/media/{id}/{CLIP}" for id in self.made),
                MECHANISMS,
                f"{MECHANISMS}?limit=1",
                f"{MECHANISMS}?user_id={self.owner_id}",
                f"{MECHANISMS}?category=gears",
                CATEGORIES,
                f"{SEARCH}/mechanisms?q=歯車",
                f"{SEARCH}/mechanisms?user_id={self.owner_id}",
                f"{SEARCH}/suggest?q=歯",
            ]:
                for headers in ({}, self.owner, self.admin):
                    await self._compare(address, headers, changed_at)

    async def _compare(self, address: str, headers: dict[str, str], changed_at: float) -> None:
        shown = self.shown.setdefault((address, str(headers)), [])
        expected = comparable(await self.uncached.get(address, headers=headers), address)
        if not shown or shown[-1][0] != expected:
            shown[-1:] = [(value, changed_at) for value, _ in shown[-1:]]
            shown.append((expected, float("inf")))
        is_exact = headers is self.admin and not address.startswith(SEARCH)
        for client in self.caching:
            begun = time.monotonic()
            allowed = [value for value, until in shown if begun <= until + STALENESS.total_seconds()]
            got = comparable(await client.get(address, headers=headers), address)
            allowed = [expected] if is_exact else allowed
            if got not in allowed:
                # Any process runs an index job that waits too long, also between the two reads.
                allowed = [comparable(await self.uncached.get(address, headers=headers), address)]
            assert got in allowed, address
            assert got == expected or not any(id in str(got) for id in self.removed), address

    async def check_search(self) -> None:
        """Checks that uncached searches and suggestions show only public mechanisms, as they are in the database."""
        client = self.uncached
        listed = (await client.get(f"{MECHANISMS}?limit=100")).json()["items"]
        public = {each["id"]: each for each in listed}
        found = [(await client.get(f"{SEARCH}/mechanisms?q={q}")).json() for q in ("", "歯車", "wheels")]
        for page in found:
            for hit in page["items"]:
                mechanism = public[hit["mechanism"]["id"]]
                assert hit["mechanism"] == mechanism
                title = "".join(piece["text"] for piece in hit["highlights"].get("title", ()))
                assert title in mechanism["title"]
            assert page["total"] == len(page["items"]) <= len(public)
            for category, count in page["facets"].items():
                assert count <= sum(category in each["categories"] for each in listed)
        suggested = (await client.get(f"{SEARCH}/suggest?q=歯")).json()["items"]
        assert set(suggested) <= {each["title"] for each in listed}


async def film() -> AsyncIterator[bytes]:
    yield b"a clip"


def comparable(response: httpx.Response, address: str = "") -> Any:
    """Returns what a caller sees of `response`; of a search, whether it may be stored is left out.

    A search may not be stored while the index lacks a change. One that was cached before shows the same, and stays.
    Numbers of views and the like may be older than everything else, so they and their digest are left out.
    """
    if response.status_code >= 400:
        return response.status_code, response.json()["code"]
    left_out = {"etag", "cache-control"} if address.startswith(SEARCH) else {"etag"}
    fields = [name for name in COMPARED_FIELDS if name not in left_out]
    content = _STATISTICS.sub(b"", response.content)
    return response.status_code, content, [response.headers.get(name) for name in fields]


async def live(
    steps: Sequence[tuple[str, int, int]], cache_url: str, settle: float, *, is_index_stuck: bool
) -> None:
    """Takes the steps, each in one of the two processes. Compares after each, before and after the other has run its
    jobs; or once at the end, after `settle` seconds. If the index is stuck, nobody runs jobs after the third step."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            world = await founded(stack, chosen(Path(folder), cache_url))
            await world.look(time.monotonic())
            for number, (step, process, which) in enumerate(steps):
                await world.take(step, process, which)
                if not settle:
                    await asyncio.sleep(CHECK_INTERVAL if step == "lose the cache" else 0)
                    await world.look(time.monotonic())
                if is_index_stuck and number >= 2:
                    continue
                await world.work(1 - process)
                if not settle:
                    await world.look(time.monotonic())
            changed_at = time.monotonic()
            await asyncio.sleep(settle)
            await world.look(changed_at)


def chosen(data: Path, cache_url: str) -> Settings:
    environ = {
        "MECHSHARE_DATA": str(data),
        "MECHSHARE_CACHE_URL": cache_url,
        "MECHSHARE_JOB_SLOTS": "0",
        "MECHSHARE_REQUESTS_PER_MINUTE": "0",
    }
    return load(environ)


async def founded(stack: AsyncExitStack, chosen: Settings) -> World:
    adapters = [choose_adapters(chosen, passwords=FastPasswordHasher()) for _ in range(3)]
    applications = [build(chosen, LoggingObserver(), those) for those in adapters]
    last, nothing = applications.pop(), Uncached()
    uncached = build(chosen, LoggingObserver(), replace(adapters[2], cache=nothing))
    plain = replace(
        last, responses=uncached.responses, authentication=uncached.authentication, media=uncached.media
    )
    clients = [await served(stack, application) for application in applications[:2]]
    routes, _ = await started(stack, plain)
    renewed = NewServer(routes, plain)
    uncached_client = await client_of(stack, CompressionMiddleware(renewed))
    joining = {
        name: {"username": name, "email": f"{name}@example.com", "password": PASSWORD} for name in NAMES
    }
    owner = await last.users.register(Registration(**joining["sakura"]), RequestMetadata())
    assert isinstance(owner, User)
    await last.users.create_admin(Registration(**joining["root"]))
    tokens = [await last.sessions.login(name, PASSWORD, RequestMetadata()) for name in NAMES]
    as_owner, as_admin = ({"Authorization": f"Bearer {one.access_token}"} for one in tokens)
    runners = [application.runner for application in applications[:2]]
    return World(
        *(stack, chosen, clients, uncached_client, runners, adapters[2].blobs),
        *(as_owner, as_admin, owner.id, []),
    )


async def served(stack: AsyncExitStack, application: Application) -> httpx.AsyncClient:
    _, app = await started(stack, application)
    return await client_of(stack, app)


async def started(stack: AsyncExitStack, application: Application) -> tuple[ASGIApp, ASGIApp]:
    """Starts a server, which the stack stops; returns it without its middleware and with it."""
    routes = stack.enter_context(reused_routes())
    app = build_app(application, routes=routes)
    running = Running(app)
    await running.up()
    stack.push_async_callback(running.down)
    return routes, app


async def client_of(stack: AsyncExitStack, app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://mechshare.test")
    )


async def lose_shared_cache(chosen: Settings) -> None:
    """Deletes what processes share about cached responses: the file of a machine, or all keys in Redis."""
    if chosen.cache_url == "memory:":
        (chosen.data / "cache-generations").unlink()
        return
    server, _, namespace = chosen.cache_url.partition("?namespace=")
    async with Redis.from_url(server) as redis:
        keys = [key async for key in redis.scan_iter(f"{namespace}:*")]
        await redis.delete("nothing", *keys)


LIVES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=12
)


@pytest.mark.timeout(600)
@settings(settings.get_profile("costly"))
@given(LIVES, st.booleans())
@example([("create", 0, 0), ("publish", 1, 0), ("withdraw", 0, 0), ("publish", 0, 0), ("delete", 1, 0)], True)
@example([("create", 0, 0), ("publish", 0, 0), ("suspend", 1, 0), ("admit", 0, 0), ("rename", 1, 0)], True)
@example([("add category", 0, 0), ("create", 0, 0), ("publish", 0, 0), ("file under it", 1, 0)], False)
@example([("add category", 0, 0), ("rename category", 1, 0), ("remove category", 0, 0)], False)
@example([("create", 0, 0), ("publish", 0, 0), ("lose the cache", 1, 0), ("withdraw", 1, 0)], True)
def test_on_one_machine_no_cached_response_outlives_a_change_beyond_the_bound(
    steps: list[tuple[str, int, int]], is_index_stuck: bool
) -> None:
    asyncio.run(live(steps, "memory:", settle=0, is_index_stuck=is_index_stuck))


@pytest.mark.timeout(600)
@settings(settings.get_profile("costly"))
@given(LIVES, st.booleans())
@example([("create", 0, 0), ("publish", 1, 0), ("withdraw", 0, 0), ("publish", 0, 0), ("delete", 1, 0)], True)
@example([("create", 0, 0), ("publish", 0, 0), ("suspend", 1, 0)], False)
@example([("create", 0, 0), ("publish", 0, 0), ("lose the cache", 1, 0), ("withdraw", 1, 0)], True)
def test_with_redis_no_cached_response_outlives_a_change_beyond_the_bound(
    steps: list[tuple[str, int, int]], is_index_stuck: bool
) -> None:
    settle = STALENESS.total_seconds()
    asyncio.run(live(steps, redis_url(), settle=settle, is_index_stuck=is_index_stuck))


async def test_a_repeated_response_equals_the_first(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = [await site.published(headers, f"歯車 {number}") for number in range(3)]
    for address in (
        f"{MECHANISMS}/{made[0]['id']}",
        f"{MECHANISMS}?limit=2",
        f"{API}/search/mechanisms?q=歯車",
        f"{API}/search/suggest?q=歯",
    ):
        first = await site.client.get(address)
        again = await site.client.get(address)
        known = await site.client.get(address, headers={"If-None-Match": again.headers["etag"]})
        assert comparable(first) == comparable(again), address
        assert (known.status_code, known.content) == (304, b"")
        assert [known.headers.get(name) for name in COMPARED_FIELDS[:4]] == [
            again.headers.get(name) for name in COMPARED_FIELDS[:4]
        ]


class CountingServer:
    """The cache of responses in front of the routes of a site; counts the requests that reach these (`reached`)."""

    def __init__(self, site: Site) -> None:
        self.reached = 0
        self._site = site
        application = site.application
        self._cache = ResponseCacheMiddleware(
            self._reach, application.authentication, application.statistics, PublicReads(application)
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {}
        await self._cache(scope, receive, send)

    async def _reach(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await self._site.litestar(scope, receive, send)


async def test_concurrent_requests_for_one_search_call_its_route_once(site: Site) -> None:
    headers = await site.sign_up("sakura")
    withdrawn, _ = [await site.published(headers, f"歯車 {number}") for number in range(2)]
    server = CountingServer(site)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://test") as client:
        address = f"{API}/search/mechanisms?q=歯車"
        assert (await client.get(address)).json()["total"] == 2
        await site.client.post(f"{MECHANISMS}/{withdrawn['id']}/withdraw", headers=headers)
        again = await asyncio.gather(*(client.get(address) for _ in range(10)))
    assert [response.json()["total"] for response in again] == [1] * 10
    assert server.reached == 2


@pytest.mark.parametrize(("length", "reads"), [(MAX_QUERY_STRING_BYTES, 1), (MAX_QUERY_STRING_BYTES + 1, 2)])
async def test_a_url_is_cached_unless_it_is_too_long(site: Site, length: int, reads: int) -> None:
    server = CountingServer(site)
    query = "category=gears".ljust(length, "&")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://test") as client:
        responses = [await client.get(f"{API}/mechanisms?{query}") for _ in range(2)]
    assert {response.status_code for response in responses} == {200}
    assert server.reached == reads


async def test_the_oldest_addresses_are_forgotten_when_their_query_strings_are_too_long_together(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "MAX_REMEMBERED_QUERY_BYTES", 2 * MAX_QUERY_STRING_BYTES)
    server = CountingServer(site)
    oldest, *others = ("category=gears".ljust(MAX_QUERY_STRING_BYTES - number, "&") for number in range(3))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://test") as client:
        for query in (oldest, *others, *others):
            await client.get(f"{API}/mechanisms?{query}")
        assert server.reached == 3
        await client.get(f"{API}/mechanisms?{oldest}")
    assert server.reached == 4


async def test_a_bad_token_is_refused_for_a_cached_response_too(site: Site) -> None:
    headers = await site.sign_up("sakura")
    address = f"{MECHANISMS}/{(await site.published(headers))['id']}"
    assert (await site.client.get(address)).status_code == 200
    refused = await site.client.get(address, headers={"Authorization": "Bearer x.y.z"})
    assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_TOKEN")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


async def test_cached_responses_are_counted_and_rate_limited(open_site: Any) -> None:
    site = await open_site(requests_per_minute=12)
    headers = await site.sign_up("sakura")
    address = f"{MECHANISMS}/{(await site.published(headers))['id']}"
    labels = {"endpoint": "/api/v1/mechanisms/{mechanism_id}", "method": "GET", "status": "200"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0.0
    responses = [await site.client.get(address) for _ in range(12)]
    assert {response.status_code for response in responses} == {200, 429}
    assert all("ratelimit" in response.headers for response in responses)
    served = sum(response.status_code == 200 for response in responses)
    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + served
