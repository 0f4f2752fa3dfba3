"""The references return the same data as mechshare; otherwise the comparison would be unfair."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import pytest
from bench.data import mechanism_batches, user_rows
from bench.filling import fill, open_engine
from bench.literal import fill_reference
from bench.raw import Raw
from bench.raw_psycopg import RawPsycopg
from bench.raw_sqlite import RawSqlite

from mechshare import settings
from mechshare.bootstrap.application import build
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.servers import address, postgresql_database

COUNT = 60
LIST = "/api/v1/mechanisms"


def fill_database(url, *, for_literal=False):
    """Fills the database and returns the id of the user who owns the first mechanism."""
    engine = open_engine(url)
    users = user_rows(COUNT)
    fill(engine, users, mechanism_batches(COUNT, [row[0] for row in users]), count=COUNT)
    if for_literal:
        fill_reference(engine)
    engine.dispose()
    return users[0][0]


@pytest.fixture
async def filled():
    async with postgresql_database() as url:
        yield url, fill_database(url, for_literal=True)


@pytest.fixture(params=["psycopg", "sqlite"])
async def bare(request, tmp_path):
    """The URL of a filled database, and the bare application over it."""
    async with AsyncExitStack() as stack:
        if request.param == "psycopg":
            url = await stack.enter_async_context(postgresql_database())
            database = RawPsycopg(url)
        else:
            path = tmp_path / "mechshare.db"
            url, database = f"sqlite:///{path}", RawSqlite(str(path))
        async with mechshare(url, tmp_path):
            """Creates the tables and the categories."""
        yield url, Raw(database, fill_database(url))


@asynccontextmanager
async def living(app):
    """Runs `app` between its lifespan's startup and shutdown."""
    sent_messages, received = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, sent_messages.get, received.put)
    )
    await sent_messages.put({"type": "lifespan.startup"})
    assert (await received.get())["type"] == "lifespan.startup.complete"
    try:
        yield app
    finally:
        await sent_messages.put({"type": "lifespan.shutdown"})
        await life


async def facts(app, path, *, body=None):
    """Returns the JSON of a GET of `path`, or of a POST of `body`."""
    sent, received = body or b"", b""

    async def receive():
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message):
        nonlocal received
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        received += message.get("body", b"")

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if body is None else "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return json.loads(received)


@asynccontextmanager
async def mechshare(url, data):
    chosen = settings.load({"MECHSHARE_DATABASE_URL": url, "MECHSHARE_DATA": str(data)})
    async with living(build_app(build(chosen, LoggingObserver()))) as app:
        yield app


async def test_the_bare_database_returns_what_mechshare_returns(bare, tmp_path):
    url, app = bare
    async with mechshare(url, tmp_path) as ours, living(app) as raw:
        page = await facts(ours, f"{LIST}?limit=5")
        one = f"{LIST}/{page['items'][0]['id']}"
        assert await facts(raw, one) == await facts(ours, one)
        received = await facts(raw, f"{LIST}?limit=5")
        assert received["items"] == page["items"]
        assert (received["total"], received["total_is_exact"]) == (page["total"], page["total_is_exact"])
        last, category = page["items"][-1], page["items"][0]["categories"][0]
        beyond = f"{LIST}?limit=5&after_time={quote(last['created_at'])}&after_id={last['id']}"
        cursor = f"{LIST}?limit=5&cursor={page['next']}"
        narrowed = f"{LIST}?limit=5&category={category}"
        for theirs, same in ((beyond, cursor), (narrowed, narrowed)):
            assert (await facts(raw, theirs))["items"] == (await facts(ours, same))["items"]


async def test_the_bare_database_changes_what_mechshare_changes(bare, tmp_path):
    url, app = bare
    new = {"title": "歯車", "description": "", "categories": ["gears", "cams"], "duration": 2.5}
    new |= {"file_url": "https://a.example/a.mp4", "thumbnail_url": "https://a.example/a.webp"}
    async with living(app) as raw:
        made = await facts(raw, LIST, body=json.dumps(new).encode())
        assert {name: made[name] for name in new} == new
        assert (made["is_published"], made["version"]) == (False, 1)
        published = await facts(raw, f"{LIST}/{made['id']}/publish", body=b"")
        assert (published["is_published"], published["version"]) == (True, 2)
    async with mechshare(url, tmp_path) as ours:
        assert await facts(ours, f"{LIST}/{made['id']}") == published


async def test_the_literal_design_returns_the_same_mechanisms(filled, tmp_path, monkeypatch):
    pytest.importorskip("fastapi", reason="the literal design needs fastapi: install the group 'bench'")
    url, _ = filled
    monkeypatch.setenv("REFERENCE_DATABASE_URL", url.replace("postgresql:", "postgresql+psycopg:", 1))
    monkeypatch.setenv("REFERENCE_REDIS_URL", address("REDIS_URL"))
    monkeypatch.setenv("REFERENCE_SECRET", "a secret that is as long as one has to be")
    from bench.reference.main import create

    async with mechshare(url, tmp_path) as ours, living(create()) as literal:
        page, received = await facts(ours, f"{LIST}?limit=5"), await facts(literal, f"{LIST}?limit=5")
        one = await facts(literal, f"{LIST}/{page['items'][0]['id']}")
    same = ("id", "title", "description", "user_id", "categories", "file_url")
    assert [[item[name] for name in same] for item in received["items"]] == [
        [item[name] for name in same] for item in page["items"]
    ]
    assert received["total"] == page["total"]
    assert one == received["items"][0]
