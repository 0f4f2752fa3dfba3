from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.media.stub import StubMediaProcessor
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.adapters.persistence.memory.database import MemoryDatabase
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.bootstrap import schemes
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import build
from mechshare.settings import Settings
from tests.servers import sqlite_database
from tests.services.faults import (
    AdjustableDisks,
    CountingCache,
    FaultyBlobs,
    FaultyDatabase,
    FaultyIndex,
    FaultyMedia,
)
from tests.services.world import Observer, World


async def _database(kind: str, folder: Path, clock: FrozenClock) -> Any:
    if kind == "memory":
        return MemoryDatabase(clock)
    return SqlDatabase(await sqlite_database(folder / "mechshare.db"))


@asynccontextmanager
async def open_world(kind: str, folder: Path) -> AsyncIterator[World]:
    """Opens a world with a database of that kind; all its files are in `folder`."""
    clock, observer = FrozenClock(), Observer()
    database = FaultyDatabase(await _database(kind, folder, clock))
    blobs, index = FaultyBlobs(MemoryBlobStore()), FaultyIndex(MemorySearchIndex())
    media = FaultyMedia(StubMediaProcessor())
    settings = Settings(
        data=folder / "data",
        database_url="faulty:",
        blobs_url="faulty:",
        search_url="faulty:",
        jobs_url="memory:",
        secret=(b"a secret for tests, of thirty-two bytes and more",),
        max_upload_bytes=100_000,
        user_quota_bytes=1_000_000,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(schemes.DATABASES, "faulty", lambda url, settings: database)
        patch.setitem(schemes.BLOB_STORES, "faulty", lambda url, settings: blobs)
        patch.setitem(schemes.SEARCH_INDEXES, "faulty", lambda url, settings: index)
        adapters = choose_adapters(settings, clock=clock, media=media, passwords=FastPasswordHasher())
        cache = CountingCache(adapters.cache)
        disks = AdjustableDisks()
        adapters = replace(adapters, cache=cache, disks=disks)
        app = build(settings, observer, adapters)
        yield World(app, adapters, clock, observer, database, blobs, index, media, cache, disks)
        await app.close()


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as opened:
        yield opened
