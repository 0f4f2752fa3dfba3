"""The databases and real servers for tests: their addresses, and a namespace in each for every test."""

import atexit
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from servers.kinds import KINDS, environment
from servers.running import Server

SERVER_TIMEOUT = 20
"""Seconds for which an adapter in a test waits for a server: a busy machine holds back both, which is no outage."""
_templates: set[str] = set()
_sqlite_template: list[bytes] = []


def address(name: str) -> str:
    """Returns the value of TEST_{name}; skips the test if it is not set."""
    value = os.environ.get(f"TEST_{name}")
    if not value:
        pytest.skip(
            f"TEST_{name} is not set: start the servers with 'nox -s services' and export what it prints"
        )
    return value


async def sqlite_database(path: Path) -> str:
    """Creates a migrated database at `path` and returns its URL: copying one is much faster than migrating each."""
    if not _sqlite_template:
        with tempfile.TemporaryDirectory() as folder:
            _sqlite_template.append(await _migrated_file(Path(folder) / "template.db"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_sqlite_template[0])
    return f"sqlite:///{path}"


async def _migrated_file(path: Path) -> bytes:
    from mechshare.adapters.persistence.sql.database import SqlDatabase

    database = SqlDatabase(f"sqlite:///{path}")
    await database.migrate()
    await database.close()
    return path.read_bytes()


@asynccontextmanager
async def postgresql_database(*, migrated: bool = True) -> AsyncIterator[str]:
    """Yields the URL of a database that exists as long as the context."""
    import psycopg

    server = address("POSTGRESQL_URL")
    name = f"test_{uuid4().hex}"
    template = await _template(server) if migrated else "template1"
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield _beside(server, name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def opensearch_alias() -> AsyncIterator[str]:
    """Yields the URL of an unused alias; its indices are deleted after the context."""
    from opensearchpy import AsyncOpenSearch

    server, alias = address("OPENSEARCH_URL"), f"test-{uuid4().hex}"
    try:
        yield f"{server.replace('http', 'opensearch', 1)}/{alias}"
    finally:
        async with AsyncOpenSearch(hosts=[server]) as client:
            indices = await client.indices.get_alias(name=f"{alias}-every", ignore=404)
            for index in () if "error" in indices else indices:
                await client.indices.delete(index=index, ignore_unavailable=True)


async def _template(server: str) -> str:
    """Returns a migrated database as template for others: copying it is much faster than migrating each."""
    import psycopg

    from mechshare.adapters.persistence.sql.database import SqlDatabase

    name = f"template_{os.getpid()}"
    if name not in _templates:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        atexit.register(_drop, server, name)
        database = SqlDatabase(_beside(server, name), timeout=SERVER_TIMEOUT)
        await database.migrate()
        await database.close()
        _templates.add(name)
    return name


def _drop(server: str, name: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _beside(server: str, name: str) -> str:
    """Returns the URL of another database of this server."""
    return server.rpartition("/")[0] + f"/{name}"


def redis_url() -> str:
    """Returns the URL of an unused namespace, whose entries expire."""
    return f"{address('REDIS_URL')}?namespace={uuid4().hex}"


def new_container() -> str:
    """Returns the name of a blob container that does not exist yet."""
    return f"test-{uuid4().hex}"


@contextmanager
def own_server(kind: str) -> Iterator[Server]:
    """Yields a server that the test may stop, suspend and kill; skips if the shared one of its kind is missing."""
    address({"azurite": "AZURE_CONNECTION_STRING"}.get(kind, f"{kind.upper()}_URL"))
    with tempfile.TemporaryDirectory(prefix="mechshare-test-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # for the user that the server runs as
        server = KINDS[kind](root)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def client_url(kind: str, server: Server) -> str:
    """Returns the address or the connection string of a test's own server."""
    variables = environment(kind, server.port)
    return next(value for name, value in variables.items() if name.startswith("TEST_"))
