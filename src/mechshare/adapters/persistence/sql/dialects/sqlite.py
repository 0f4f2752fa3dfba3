"""SQLite, through aiosqlite."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Column, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mechshare.adapters.persistence.sql.dialects.dialect import DatabaseMissing, NotExclusive
from mechshare.adapters.persistence.sql.dialects.sqlite_connection import OneTripConnection

_READERS = 2
"""Threads, which hand over the interpreter to each other and to the event loop for each row: where there are more, less
is answered in all, and later. A single one would keep everybody waiting behind what is slow."""
_TIMEOUT = "5"
"""Seconds that a writer waits for others to finish, unless the URL says otherwise (`?timeout=2.5`)."""


class Sqlite:
    """SQLite in WAL mode: one writer at a time over all processes, and readers that never wait for it."""

    reads_at_a_time = 1
    """The threads that read hand over the interpreter to each other for each row."""

    def __init__(self, url: URL) -> None:
        if url.host or not url.database or url.database.startswith(":"):
            raise ValueError("it is not the path of a file")
        parsed = url.set(drivername="sqlite+aiosqlite")
        parsed = parsed.set(query={"timeout": _TIMEOUT} | dict(parsed.query))
        self._path = Path(url.database)
        self.writer = _sqlite_engine(parsed, query_only=False, pool_size=1)
        # Readers are never inside a transaction: there is nothing to roll back when they are given back.
        self.reader = _sqlite_engine(
            parsed,
            query_only=True,
            pool_size=_READERS,
            pool_reset_on_return=None,
            skip_autocommit_rollback=True,
        )

    def guard(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def statement_timeout(self, connection: AsyncConnection) -> AbstractContextManager[None]:
        return nullcontext()

    async def lock_row(
        self, connection: AsyncConnection, id: Column[Any], value: Any, *, may_be_deleted: bool
    ) -> None:
        """The whole database is held: see `begin`."""

    async def advisory_lock(self, connection: AsyncConnection, name: str) -> None:
        """The whole database is held: see `begin`."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its first moment, so that it never fails half-way for it.

        Whatever ends it early, the pool rolls it back when it takes the connection back.
        """
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            await connection.exec_driver_sql("COMMIT")

    def migrate(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.begin()

    async def prepare(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    @asynccontextmanager
    async def exclusive(self, *, is_changing: bool) -> AsyncIterator[AsyncConnection]:
        """In exclusive mode, which SQLite gives to none while another connection is open, and then to no other."""
        if not self._path.exists():
            raise DatabaseMissing(f"is not there: {self._path}")
        async with self.writer.connect() as connection:
            await connection.execution_options(isolation_level="SERIALIZABLE")
            try:
                await connection.exec_driver_sql("PRAGMA locking_mode = EXCLUSIVE")
                await connection.exec_driver_sql("BEGIN EXCLUSIVE")
            except OperationalError as problem:
                raise NotExclusive(f"is in use, or may not be written to ({problem.orig})") from problem
            await connection.commit()
            await connection.exec_driver_sql(f"PRAGMA query_only = {int(not is_changing)}")
            try:
                yield connection
            finally:
                await connection.invalidate()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Others write into the WAL meanwhile, which grows until the end."""
        if not self._path.exists():
            raise DatabaseMissing(f"is not there: {self._path}")
        async with self.reader.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                await connection.invalidate()

    async def version(self, connection: AsyncConnection) -> str:
        found = await connection.exec_driver_sql("SELECT sqlite_version()")
        return f"SQLite {found.scalar_one()}"


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
