"""Installations of mechshare with many mechanisms: on PostgreSQL and Redis, or on the embedded default."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from opensearchpy import AsyncOpenSearch
from servers.kinds import KINDS, environment, postgresql
from servers.running import ServerAbsent, ServerFailed
from sqlalchemy import Engine, text

from bench.data import mechanism_batches, user_rows
from bench.filling import fill, open_engine
from bench.literal import fill_reference
from bench.texts import questions
from mechshare import settings
from mechshare.adapters.search.opensearch.client import OpenSearchServer
from mechshare.bootstrap.adapters import Adapters, choose_adapters
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.users import User
from mechshare.entrypoints.cli.context import open_application
from mechshare.entrypoints.startup import prepare
from mechshare.services.users import Registration

_OUT_OF_REACH = "1000000"
_LIMITS_OUT_OF_REACH = {
    "MECHSHARE_REQUESTS_PER_MINUTE": _OUT_OF_REACH,
    "MECHSHARE_SEARCHES_PER_MINUTE": _OUT_OF_REACH,
    "MECHSHARE_UPLOADS_PER_HOUR": _OUT_OF_REACH,
    "MECHSHARE_TRUSTED_PROXIES": "127.0.0.1",
}
"""The rate limiter counts as it is shipped; only its limits are out of reach, even for the fastest requests, since
`put_load` names another client each time."""
_END_QUERIES = text(
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()"
)
_POLL_INTERVAL, _IDLE_TIMEOUT = 0.1, 60
"""Seconds."""
USERNAME, PASSWORD = "bench", "bench four-bar linkage"
EMBEDDED, DISTRIBUTED = "embedded", "distributed"
PROFILES = (DISTRIBUTED, EMBEDDED)
SERVERS = ("postgresql", "redis", "opensearch")
_SEARCH_URL = "MECHSHARE_SEARCH_URL"
_GROUPS_AT_A_TIME = 1_000
_WARMING, _WARMED = 1_000, 3
"""Number of queries and of rounds after which the JVM of OpenSearch has compiled its code."""
_MERGE_TIMEOUT = 600
"""Seconds within which OpenSearch finishes its merges; until then other requests are slow or time out."""
_INVALIDATION_DELAY = 0.3
"""Seconds within which other processes have received an invalidation."""


@dataclass(frozen=True, slots=True)
class Installation:
    """`environ` has mechshare's settings; `user_id` is the user who signs in."""

    profile: str
    count: int
    environ: Mapping[str, str]
    user_id: str
    is_searchable: bool

    @property
    def settings(self) -> settings.Settings:
        return settings.load(self.environ)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        engine = open_engine(self.settings.database_url)
        try:
            yield engine
        finally:
            engine.dispose()

    def invalidate(self, groups: list[str]) -> None:
        """Invalidates these groups in the caches of every process, as after a change of all their content."""
        asyncio.run(_invalidate(self.settings, groups))

    def end_queries(self) -> bool:
        """Cancels the queries of this database's clients until none is left; returns whether there were any. Raises
        RuntimeError if they continue for _IDLE_TIMEOUT."""
        was_busy = False
        deadline = time.monotonic() + _IDLE_TIMEOUT
        with (
            self.engine() as engine,
            # Within a transaction, every query would return the same snapshot of the activity.
            engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
        ):
            while connection.execute(_END_QUERIES).all():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL goes on with what was cancelled {_IDLE_TIMEOUT} s ago.")
                was_busy = True
                time.sleep(_POLL_INTERVAL)
        return was_busy

    def write_blob(self, key: str, content: bytes) -> None:
        asyncio.run(_write_blob(self.settings, key, content))


@contextmanager
def distributed_servers(root: Path, kinds: Sequence[str] = SERVERS) -> Iterator[dict[str, str]]:
    """Starts real servers and yields their settings; omits OpenSearch if it is not available. Raises ServerAbsent and
    ServerFailed for the others."""
    with ExitStack() as stack:
        environ: dict[str, str] = {}

        def start(kind: str) -> None:
            server = postgresql(root, waits_for_disk=True) if kind == "postgresql" else KINDS[kind](root)
            stack.callback(server.stop)
            server.start()
            environ.update(environment(kind, server.port))

        for kind in kinds:
            try:
                start(kind)
            except (ServerAbsent, ServerFailed) as problem:
                if kind != "opensearch":
                    raise
                print(f"no search is measured where distributed: {problem}", file=sys.stderr)
        yield {name: value for name, value in environ.items() if name.startswith("MECHSHARE_")}


def has_index(profile: str, servers: Mapping[str, str]) -> bool:
    """Returns whether the search index of this profile is available."""
    return profile == EMBEDDED or _SEARCH_URL in servers


def make_installation(
    profile: str, count: int, data: Path, servers: Mapping[str, str], *, is_searchable: bool
) -> Installation:
    """Creates an installation with `count` mechanisms, in the folder `data` and in a database of its own."""
    environ = {
        "MECHSHARE_DATA": str(data),
        **_LIMITS_OUT_OF_REACH,
        "MECHSHARE_UNFINISHED_CLIPS_PER_USER": "0",
        # Otherwise the measured process would index what is written, at unpredictable times.
        "MECHSHARE_JOB_SLOTS": "0",
    }
    if profile == DISTRIBUTED:
        environ |= servers
        environ["MECHSHARE_DATABASE_URL"] = _new_database(servers["MECHSHARE_DATABASE_URL"], f"bench_{count}")
        if _SEARCH_URL in servers:
            environ[_SEARCH_URL] += f"/bench-{count}"
        # Needed because mechanisms have the same identifiers at every size.
        environ["MECHSHARE_CACHE_URL"] += f"?namespace=bench-{count}"
    chosen = settings.load(environ)
    user_id = asyncio.run(_begin(chosen))
    engine = open_engine(chosen.database_url)
    try:
        users = user_rows(count)
        fill(engine, users, mechanism_batches(count, [row[0] for row in users]), count=count)
        if profile == DISTRIBUTED:
            fill_reference(engine)
    finally:
        engine.dispose()
    if is_searchable:
        asyncio.run(_index(chosen, questions()[-_WARMING:] * _WARMED if profile == DISTRIBUTED else []))
    return Installation(profile, count, environ, user_id, is_searchable)


async def _begin(chosen: settings.Settings) -> str:
    """Creates the tables, the categories and a user who can sign in; returns the user's identifier."""
    async with open_application(chosen) as application:
        await prepare(application)
        registration = Registration(username=USERNAME, email="bench@bench.invalid", password=PASSWORD)
        user = await application.users.register(registration, RequestMetadata())
        assert isinstance(user, User)
        return user.id


async def _index(chosen: settings.Settings, first_questions: Sequence[str]) -> None:
    async with open_application(chosen) as application:
        await application.search.reindex()
        if first_questions:
            await _wait_for_merges(chosen.search_url)
        for question in first_questions:
            await application.search.search(None, question)


async def _wait_for_merges(search_url: str) -> None:
    """Waits until OpenSearch has no merges left. Raises RuntimeError after _MERGE_TIMEOUT."""
    server = OpenSearchServer(search_url)
    deadline = time.monotonic() + _MERGE_TIMEOUT
    try:
        async with server.client() as client:
            while await _merges(client, server.alias):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"OpenSearch merges what was indexed {_MERGE_TIMEOUT} s ago.")
                await asyncio.sleep(_POLL_INTERVAL)
    finally:
        await server.close()


async def _merges(client: AsyncOpenSearch, alias: str) -> int:
    """Returns how many segment merges are running."""
    stats = await client.indices.stats(index=alias, metric="merge")
    return int(stats["_all"]["total"]["merges"]["current"])


async def _invalidate(chosen: settings.Settings, groups: list[str]) -> None:
    async with _open_adapters(chosen) as adapters:
        for start in range(0, len(groups), _GROUPS_AT_A_TIME):
            await adapters.cache.invalidate(*groups[start : start + _GROUPS_AT_A_TIME])
        await asyncio.sleep(_INVALIDATION_DELAY)


async def _write_blob(chosen: settings.Settings, key: str, content: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    async with _open_adapters(chosen) as adapters:
        await adapters.blobs.write(key, chunks())


@asynccontextmanager
async def _open_adapters(chosen: settings.Settings) -> AsyncIterator[Adapters]:
    adapters = choose_adapters(chosen)
    try:
        yield adapters
    finally:
        await adapters.close()


def _new_database(server_url: str, name: str) -> str:
    engine = open_engine(server_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()
