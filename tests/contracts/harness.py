"""Every adapter of every port, opened the same way, so that one suite per port runs over all of them.

`open_adapters[port][adapter](folder)` is an async context manager that opens an empty adapter in an unused folder.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.object_storage import KEYS, shared_bucket
from tests.receiver import receiving
from tests.servers import (
    SERVER_TIMEOUT,
    address,
    new_container,
    opensearch_alias,
    postgresql_database,
    redis_url,
    sqlite_database,
)

Opener = Callable[[Path], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def _folder_backup(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.backups.folders import FolderBackup

    yield FolderBackup(folder / "backup")


@asynccontextmanager
async def _memory_blobs(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.blobs.memory import MemoryBlobStore

    yield MemoryBlobStore()


@asynccontextmanager
async def _file_blobs(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.blobs.files import FileBlobStore

    store = FileBlobStore(folder / "blobs")
    await store.prepare()
    yield store


@asynccontextmanager
async def _azure_blobs(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.blobs.azure import AzureBlobStore

    store = AzureBlobStore(
        f"azure:///{new_container()}",
        address("AZURE_CONNECTION_STRING"),
        connect_timeout=SERVER_TIMEOUT,
        read_timeout=SERVER_TIMEOUT,
    )
    await store.prepare()
    yield store
    await store.close()


@asynccontextmanager
async def _s3_blobs(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.blobs.s3 import s3_blob_store

    bucket, endpoint = await shared_bucket()
    store = s3_blob_store(f"s3://{bucket}/{uuid4().hex}", endpoint=endpoint, **KEYS)
    yield store
    await store.close()


def _uploads(open_blobs: Opener) -> Opener:
    """Returns what opens the upload store beside a blob store; its attribute `both` opens the two."""

    @asynccontextmanager
    async def both(folder: Path) -> AsyncIterator[Any]:
        from mechshare.adapters.uploads.files import FileUploadStore
        from mechshare.adapters.uploads.parts import PartUploadStore

        async with open_blobs(folder) as blobs:
            is_files = open_blobs is _file_blobs
            yield (FileUploadStore(folder / "blobs") if is_files else PartUploadStore(blobs)), blobs

    @asynccontextmanager
    async def opener(folder: Path) -> AsyncIterator[Any]:
        async with both(folder) as (store, _):
            yield store

    opener.both = both  # type: ignore[attr-defined]
    return opener


@asynccontextmanager
async def _memory_cache(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.cache.memory import MemoryCache

    yield MemoryCache()


@asynccontextmanager
async def _shared_memory_cache(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.cache.memory import MemoryCache

    yield MemoryCache(generation_table=folder / "cache-generations")


@asynccontextmanager
async def _redis_cache(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.cache.redis import RedisCache

    cache = RedisCache(redis_url(), timeout=SERVER_TIMEOUT)
    yield cache
    await cache.close()


@asynccontextmanager
async def _memory_doorbell(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.doorbell.memory import MemoryDoorbell

    doorbell = MemoryDoorbell()
    yield doorbell
    await doorbell.close()


@asynccontextmanager
async def _embedded_doorbell(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell

    doorbell = EmbeddedDoorbell(folder / "doorbell")
    yield doorbell
    await doorbell.close()


@asynccontextmanager
async def _arq_doorbell(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.doorbell.arq import ArqDoorbell

    doorbell = ArqDoorbell(redis_url(), timeout=SERVER_TIMEOUT)
    yield doorbell
    await doorbell.close()


@asynccontextmanager
async def _postgresql_doorbell(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.doorbell.postgresql import PostgresqlDoorbell

    doorbell = PostgresqlDoorbell(address("POSTGRESQL_URL"), channel=uuid4().hex, timeout=SERVER_TIMEOUT)
    yield doorbell
    await doorbell.close()


@asynccontextmanager
async def _redis_limits(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
    from mechshare.adapters.rate_limits.redis import RedisRateLimiter

    limiter = RedisRateLimiter(redis_url(), MemoryRateLimiter(), timeout=SERVER_TIMEOUT)
    yield limiter
    await limiter.close()


@asynccontextmanager
async def _memory_limits(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.rate_limits.memory import MemoryRateLimiter

    yield MemoryRateLimiter()


@asynccontextmanager
async def _shared_memory_limits(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.rate_limits.memory import MemoryRateLimiter

    limiter = MemoryRateLimiter(folder / "rate-limits")
    yield limiter
    await limiter.close()


@asynccontextmanager
async def _memory_recent_views(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.recent_views.table import TableOfRecentViews

    yield TableOfRecentViews(None)


@asynccontextmanager
async def _shared_recent_views(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.recent_views.table import TableOfRecentViews

    recent_views = TableOfRecentViews(folder / "recent-views")
    yield recent_views
    await recent_views.close()


@asynccontextmanager
async def _redis_recent_views(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.recent_views.redis import RedisRecentViews
    from mechshare.adapters.recent_views.table import TableOfRecentViews

    recent_views = RedisRecentViews(redis_url(), TableOfRecentViews(None), timeout=SERVER_TIMEOUT)
    yield recent_views
    await recent_views.close()


@asynccontextmanager
async def _argon2(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.passwords.argon2 import Argon2PasswordHasher

    yield Argon2PasswordHasher()


@asynccontextmanager
async def _fast_passwords(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.passwords.fast import FastPasswordHasher

    yield FastPasswordHasher()


@asynccontextmanager
async def _hs256(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.clock.system import SystemClock
    from mechshare.adapters.tokens.jwt import JwtTokenIssuer

    yield JwtTokenIssuer.from_secret(b"0123456789abcdef0123456789abcdef", SystemClock())


@asynccontextmanager
async def _eddsa(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.clock.system import SystemClock
    from mechshare.adapters.tokens.jwt import JwtTokenIssuer

    yield JwtTokenIssuer.from_ed25519_seed(b"0123456789abcdef0123456789abcdef", SystemClock())


@asynccontextmanager
async def _system_clock(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.clock.system import SystemClock

    yield SystemClock()


@asynccontextmanager
async def _local_disks(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.disks.local import LocalDisks

    yield LocalDisks([folder, folder / "absent"])


@asynccontextmanager
async def _memory_disks(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.disks.memory import MemoryDisks

    yield MemoryDisks()


@asynccontextmanager
async def _local_scratch(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.scratch.local import LocalScratch

    yield LocalScratch(folder, [folder / "absent"])


@asynccontextmanager
async def _frozen_clock(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.clock.frozen import FrozenClock

    yield FrozenClock()


@asynccontextmanager
async def _uuid7_ids(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.ids.uuid7 import Uuid7IdSource

    yield Uuid7IdSource()


@asynccontextmanager
async def _sequence_ids(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.ids.sequence import SequenceIdSource

    yield SequenceIdSource()


@asynccontextmanager
async def _memory_database(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.clock.system import SystemClock
    from mechshare.adapters.persistence.memory.database import MemoryDatabase

    yield MemoryDatabase(SystemClock())


@asynccontextmanager
async def _sqlite_database(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.persistence.sql.database import SqlDatabase

    database = SqlDatabase(await sqlite_database(folder / "mechshare.db"))
    yield database
    await database.close()


@asynccontextmanager
async def _postgresql_database(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.persistence.sql.database import SqlDatabase

    async with postgresql_database() as url:
        database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
        yield database
        await database.close()


@asynccontextmanager
async def _memory_search(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.search.memory import MemorySearchIndex

    yield MemorySearchIndex()


@asynccontextmanager
async def _measured_search(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.search.measured import MeasuredSearchIndex
    from mechshare.adapters.search.memory import MemorySearchIndex

    yield MeasuredSearchIndex(MemorySearchIndex())


@asynccontextmanager
async def _widened_search(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.search.memory import MemorySearchIndex
    from mechshare.adapters.search.text.thesaurus import Thesaurus
    from mechshare.adapters.search.widened import WidenedSearchIndex

    # Without names: the suite says what is found by the words of a query alone.
    yield WidenedSearchIndex(MemorySearchIndex(), Thesaurus({}))


@asynccontextmanager
async def _sqlite_search(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.search.sqlite.index import SqliteSearchIndex

    index = SqliteSearchIndex(folder / "search.db")
    yield index
    await index.close()


@asynccontextmanager
async def _opensearch(folder: Path) -> AsyncIterator[Any]:
    async with opensearch_alias() as url:
        from mechshare.adapters.search.opensearch.index import OpenSearchIndex

        index = OpenSearchIndex(url, search_seconds=SERVER_TIMEOUT)
        yield index
        await index.close()


@asynccontextmanager
async def _av(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.media.av import AvMediaProcessor
    from mechshare.adapters.motion.analyser import NumpyMotionAnalyser

    yield AvMediaProcessor(analyser=NumpyMotionAnalyser())


@asynccontextmanager
async def _stub_media(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.media.stub import StubMediaProcessor

    yield StubMediaProcessor()


@asynccontextmanager
async def _exact_motion(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.motion.memory import ExactMotionAnalyser

    yield ExactMotionAnalyser()


@asynccontextmanager
async def _numpy_motion(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.motion.analyser import NumpyMotionAnalyser

    yield NumpyMotionAnalyser()


@asynccontextmanager
async def _memory_motion_index(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.motion_index.memory import MemoryMotionIndex

    yield MemoryMotionIndex()


@asynccontextmanager
async def _numpy_motion_index(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.motion_index.exact import NumpyMotionIndex

    yield NumpyMotionIndex()


@asynccontextmanager
async def _http_webhooks(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.webhooks.http import HttpWebhookSender

    async with receiving() as receiver:
        yield HttpWebhookSender(allows_private=True), receiver.url


@asynccontextmanager
async def _memory_webhooks(folder: Path) -> AsyncIterator[Any]:
    from mechshare.adapters.webhooks.memory import MemoryWebhookSender

    receivers = {"hooks.example": lambda call: int(call.url.rpartition("/")[2])}
    yield MemoryWebhookSender(receivers), "https://hooks.example"


def _webhooks(open_both: Opener) -> Opener:
    """Returns what opens the sender; its attribute `both` opens it with the address of a receiver."""

    @asynccontextmanager
    async def opener(folder: Path) -> AsyncIterator[Any]:
        async with open_both(folder) as (sender, _):
            yield sender

    opener.both = open_both  # type: ignore[attr-defined]
    return opener


open_adapters: Mapping[str, Mapping[str, Opener]] = {
    "backups": {"folders": _folder_backup},
    "blobs": {"memory": _memory_blobs, "files": _file_blobs, "azure": _azure_blobs, "s3": _s3_blobs},
    "uploads": {
        "memory": _uploads(_memory_blobs),
        "files": _uploads(_file_blobs),
        "azure": _uploads(_azure_blobs),
        "s3": _uploads(_s3_blobs),
    },
    "cache": {"memory": _memory_cache, "memory-shared": _shared_memory_cache, "redis": _redis_cache},
    "scratch": {"local": _local_scratch},
    "disks": {"local": _local_disks, "memory": _memory_disks},
    "clock": {"system": _system_clock, "frozen": _frozen_clock},
    "ids": {"uuid7": _uuid7_ids, "sequence": _sequence_ids},
    "doorbell": {
        "memory": _memory_doorbell,
        "embedded": _embedded_doorbell,
        "arq": _arq_doorbell,
        "postgresql": _postgresql_doorbell,
    },
    "rate_limits": {"memory": _memory_limits, "memory-shared": _shared_memory_limits, "redis": _redis_limits},
    "recent_views": {
        "memory": _memory_recent_views,
        "memory-shared": _shared_recent_views,
        "redis": _redis_recent_views,
    },
    "media": {"av": _av, "stub": _stub_media},
    "motion": {"memory": _exact_motion, "numpy": _numpy_motion},
    "motion_index": {
        "memory": _memory_motion_index,
        "numpy": _numpy_motion_index,
    },
    "passwords": {"argon2": _argon2, "fast": _fast_passwords},
    "persistence": {
        "memory": _memory_database,
        "sqlite": _sqlite_database,
        "postgresql": _postgresql_database,
    },
    "search": {
        "memory": _memory_search,
        "measured": _measured_search,
        "widened": _widened_search,
        "sqlite": _sqlite_search,
        "opensearch": _opensearch,
    },
    "tokens": {"hs256": _hs256, "eddsa": _eddsa},
    "webhooks": {"http": _webhooks(_http_webhooks), "memory": _webhooks(_memory_webhooks)},
}


def adapters_of(port: str) -> list[Any]:
    """Returns the adapters of `port` as parameters of a fixture."""
    return [
        pytest.param(opener, id=name, marks=pytest.mark.contract(port, name))
        for name, opener in open_adapters[port].items()
    ]
