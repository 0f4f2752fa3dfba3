"""The references tell the same facts as mechshare: what answers less is not to be measured beside it."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from bench.data import mechanism_batches, user_rows
from bench.filling import fill, open_engine
from bench.literal import fill_reference
from bench.raw import Raw

from mechshare import bootstrap, settings
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.servers import address, postgresql_database

COUNT = 60
LIST = "/api/v1/mechanisms"


@pytest.fixture
async def filled():
    async with postgresql_database() as url:
        engine = open_engine(url)
        users = user_rows(COUNT)
        fill(engine, users, mechanism_batches(COUNT, [row[0] for row in users]), count=COUNT)
        fill_reference(engine)
        engine.dispose()
        yield url, users[0][0]


@asynccontextmanager
async def living(app):
    """`app` between its start and its end."""
    asked, told = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, asked.get, told.put)
    )
    await asked.put({"type": "lifespan.startup"})
    assert (await told.get())["type"] == "lifespan.startup.complete"
    try:
        yield app
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        await life


async def facts(app, path):
    """What a GET of `path` tells."""
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        body += message.get("body", b"")

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
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
    return json.loads(body)


@asynccontextmanager
async def mechshare(url, data):
    chosen = settings.load({"MECHSHARE_DATABASE_URL": url, "MECHSHARE_DATA": str(data)})
    async with living(build_app(bootstrap.build(chosen, LoggingObserver()))) as app:
        yield app


async def test_the_bare_database_tells_what_mechshare_tells(filled, tmp_path):
    url, user = filled
    async with mechshare(url, tmp_path) as ours, living(Raw(url, user)) as raw:
        page = await facts(ours, f"{LIST}?limit=5")
        one = f"{LIST}/{page['items'][0]['id']}"
        assert await facts(raw, one) == await facts(ours, one)
        told = await facts(raw, f"{LIST}?limit=5")
    assert told["items"] == page["items"]
    assert (told["total"], told["total_is_exact"]) == (page["total"], page["total_is_exact"])


async def test_the_literal_design_tells_the_same_mechanisms(filled, tmp_path, monkeypatch):
    pytest.importorskip("fastapi", reason="the literal design needs fastapi: install the group 'bench'")
    url, _ = filled
    monkeypatch.setenv("REFERENCE_DATABASE_URL", url.replace("postgresql:", "postgresql+psycopg:", 1))
    monkeypatch.setenv("REFERENCE_REDIS_URL", address("REDIS_URL"))
    monkeypatch.setenv("REFERENCE_SECRET", "a secret that is as long as one has to be")
    from bench.reference.main import create

    async with mechshare(url, tmp_path) as ours, living(create()) as literal:
        page, told = await facts(ours, f"{LIST}?limit=5"), await facts(literal, f"{LIST}?limit=5")
        one = await facts(literal, f"{LIST}/{page['items'][0]['id']}")
    same = ("id", "title", "description", "user_id", "categories", "file_url")
    assert [[item[name] for name in same] for item in told["items"]] == [
        [item[name] for name in same] for item in page["items"]
    ]
    assert told["total"] == page["total"]
    assert one == told["items"][0]
