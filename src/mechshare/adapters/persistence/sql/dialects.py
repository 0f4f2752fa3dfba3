"""All that differs between the databases this adapter speaks to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, String, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mechshare.adapters.persistence.sql.sqlite_connection import OneTripConnection
from mechshare.adapters.persistence.sql.types import UtcTime

_READERS = 4
_PATIENCE = "5"
"""Seconds that a writer waits for others to finish, unless the URL says otherwise (`?timeout=2.5`)."""


class Now(FunctionElement[Any]):
    """The time by the database's own clock, moved on by an argument in microseconds."""

    type = UtcTime()
    inherit_cache = True


@compiles(Now, "sqlite")
def _now(element: Now, compiler: SQLCompiler, **options: Any) -> str:
    moved_on = compiler.process(element.clauses, **options)
    return f"(CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER) + {moved_on})"


class CategoriesOfMechanism(FunctionElement[str]):
    """The categories of the row of `mechanisms` in their order, joined by commas; NULL where there are none."""

    type = String()
    inherit_cache = True


@compiles(CategoriesOfMechanism, "sqlite")
def _categories_of_mechanism(element: CategoriesOfMechanism, compiler: SQLCompiler, **options: Any) -> str:
    # The aggregate of an ordered subquery, as its own ORDER BY is unknown before SQLite 3.44.
    return (
        "(SELECT group_concat(category_id) FROM (SELECT category_id FROM mechanism_categories"
        " WHERE mechanism_id = mechanisms.id ORDER BY position))"
    )


class Sqlite:
    """SQLite in WAL mode: one writer at a time over all processes, and readers that never wait for it."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url).set(drivername="sqlite+aiosqlite")
        parsed = parsed.set(query={"timeout": _PATIENCE} | dict(parsed.query))
        self._path = Path(parsed.database or "")
        self.writer = _sqlite_engine(parsed, query_only=False, pool_size=1)
        # Readers are never inside a transaction: there is nothing to roll back when they are given back.
        self.reader = _sqlite_engine(
            parsed,
            query_only=True,
            pool_size=_READERS,
            pool_reset_on_return=None,
            skip_autocommit_rollback=True,
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its first moment, so that it never fails half-way for it.

        Whatever ends it early, the pool rolls it back when it takes the connection back.
        """
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            await connection.exec_driver_sql("COMMIT")

    async def prepare(self) -> None:
        """What has to be there before the first migration."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    async def version(self, connection: AsyncConnection) -> str:
        found = await connection.exec_driver_sql("SELECT sqlite_version()")
        return f"SQLite {found.scalar_one()}"


def dialect_of(url: str) -> Sqlite:
    """The dialect for a URL. Raises ValueError for a scheme that is not spoken."""
    if not url.startswith("sqlite:"):
        raise ValueError(f"not a database that is spoken here: {url.partition(':')[0]}")
    return Sqlite(url)


def _sqlite_engine(url: URL, *, query_only: bool, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"async_creator_fn": OneTripConnection.to},
        max_overflow=0,
        pool_timeout=float(str(url.query["timeout"])),
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA query_only = {int(query_only)}")
        cursor.close()

    return engine
