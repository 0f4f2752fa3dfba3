"""SQLite, through aiosqlite."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Column, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mechshare.adapters.persistence.sql.dialects.dialect import DatabaseMissing, NotExclusive
from mechshare.adapters.persistence.sql.dialects.executor import Executor
from mechshare.adapters.persistence.sql.dialects.sqlite_connection import (
    QuickConnection,
    WriterConnection,
)
from mechshare.adapters.persistence.sql.dialects.sqlite_executor import (
    DriverExecutor,
    Interruption,
    ReaderExecutor,
    driver_of,
)
from mechshare.adapters.persistence.sql.dialects.sqlite_group_commit import GroupCommit
from mechshare.adapters.persistence.sql.dialects.sqlite_open_connections import OpenConnections
from mechshare.domain.damage import DatabaseDamaged, DatabaseReplaced

_READERS = 2
"""Threads. They pass the GIL to each other and to the event loop for each row, so more threads lower the throughput
and raise the latency. With a single thread, every read would wait behind a slow one."""
_TIMEOUT = "5"
"""Seconds that a writer waits for other writers, unless the URL sets another timeout (`?timeout=2.5`)."""

_READ_TIMEOUT = 3.0
"""Seconds. There are few readers, so a slow read delays all others. Writes have no timeout: an interrupted write of the
scheduler, such as a sweep, would be repeated forever."""
_INTEGRITY_TIMEOUT = 60
"""Seconds."""
_MAX_DAMAGES = 3
_log = structlog.get_logger("mechshare.database")


class Sqlite:
    """SQLite in WAL mode: one writer at a time over all processes; readers never wait for it."""

    reads_at_a_time = 1
    """The reading threads pass the GIL to each other for each row."""

    def __init__(self, url: URL, *, read_timeout: float = _READ_TIMEOUT) -> None:
        """Raises ValueError if `url` names no file. `read_timeout` is in seconds."""
        if url.host or not url.database or url.database.startswith(":"):
            raise ValueError("it is not the path of a file")
        parsed = url.set(drivername="sqlite+aiosqlite")
        parsed = parsed.set(query={"timeout": _TIMEOUT} | dict(parsed.query))
        self._path = Path(url.database)
        self._read_timeout = read_timeout
        self._identity: tuple[int, int] | None = None
        self._is_reported = False
        self.writer = _sqlite_engine(parsed, WriterConnection, query_only=False, pool_size=1)
        # Readers never run transactions, so there is nothing to roll back when a connection returns to the pool.
        self._reader = _sqlite_engine(
            parsed,
            QuickConnection,
            query_only=True,
            pool_size=_READERS,
            pool_reset_on_return=None,
            skip_autocommit_rollback=True,
        )
        timeout = float(str(parsed.query["timeout"]))
        self._readers = OpenConnections(self._reader, size=_READERS, timeout=timeout)
        self._writers = OpenConnections(self.writer, size=1, timeout=timeout)
        self._group_commit = GroupCommit(self._writers.connect, timeout=timeout)

    def guard(self) -> AbstractAsyncContextManager[None]:
        """Raises DatabaseReplaced if the file at the path is not the one that this process opened first.

        Otherwise connections of this process, and other processes, would each use a database of their own.
        """
        if self._is_lost():
            if not self._is_reported:
                self._is_reported = True
                _log.error("database_replaced", path=str(self._path), command="mechshare doctor")
            raise DatabaseReplaced()
        self._is_reported = False
        return nullcontext()

    def statement_timeout(self, connection: AsyncConnection) -> AbstractContextManager[None]:
        """Interrupts a statement of a reader after the timeout."""
        return Interruption(driver_of(connection), self._read_timeout)

    def executor(self, connection: AsyncConnection) -> Executor:
        """A statement of a writer runs to its end, even if its task is cancelled."""
        if connection.engine is self._reader:
            return ReaderExecutor(connection, driver_of(connection), self._read_timeout)
        return DriverExecutor(connection, driver_of(connection))

    async def lock_row(
        self, connection: AsyncConnection, id: Column[Any], value: Any, *, may_be_deleted: bool
    ) -> None:
        """Does nothing: `begin` has locked the whole database."""

    async def advisory_lock(self, connection: AsyncConnection, name: str) -> None:
        """Does nothing: `begin` has locked the whole database."""

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._readers.connect()

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Runs a unit of work. Those that run at the same time share a transaction, each in a savepoint of its own."""
        return self._group_commit.unit()

    @asynccontextmanager
    async def migrate(self) -> AsyncIterator[AsyncConnection]:
        """After an exception, the pool rolls the transaction back when the connection returns."""
        async with self._writers.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            await connection.exec_driver_sql("COMMIT")

    async def prepare(self) -> None:
        async with self.guard():
            await self._make_file()

    async def _make_file(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        async with self._writers.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        self._identity = self._identity or _identity_of(self._path)

    async def close(self) -> None:
        await self._readers.close()
        await self._writers.close()

    def _is_lost(self) -> bool:
        """Whether the file is not the one that this process, or another one, has used.

        A log beside a missing or empty file shows that another process has used one; an empty database must not take
        its place.
        """
        identity = _identity_of(self._path)
        if self._identity is not None:
            return identity != self._identity
        return identity is None and _identity_of(self._path.with_name(f"{self._path.name}-wal")) is not None

    @asynccontextmanager
    async def exclusive(self, *, is_changing: bool) -> AsyncIterator[AsyncConnection]:
        """Uses SQLite's exclusive locking mode, which requires that no other connection is open and allows none."""
        if not self._path.exists():
            raise DatabaseMissing(f"is not there: {self._path}")
        async with self._writers.connect() as connection:
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
        """Writers continue to append to the WAL, which grows until the snapshot ends."""
        if not self._path.exists():
            raise DatabaseMissing(f"is not there: {self._path}")
        async with self._readers.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                await connection.invalidate()

    async def version(self, connection: AsyncConnection) -> str:
        found = await connection.exec_driver_sql("SELECT sqlite_version()")
        return f"SQLite {found.scalar_one()}"

    async def integrity(self, connection: AsyncConnection) -> str:
        check = f"PRAGMA quick_check({_MAX_DAMAGES})"
        try:
            with Interruption(driver_of(connection), _INTEGRITY_TIMEOUT):
                found = (await connection.exec_driver_sql(check)).scalars().all()
        except OperationalError as problem:
            if getattr(problem.orig, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
                raise
            return f"checked for {_INTEGRITY_TIMEOUT} s without finding damage"
        if found != ["ok"]:
            damages = " ".join("; ".join(found).split())
            raise DatabaseDamaged() from sqlite3.DatabaseError(f"{self._path}: {damages}")
        return "checked whole"


def _identity_of(path: Path) -> tuple[int, int] | None:
    """Returns the device and the inode of a file; None if it is missing or empty."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size else None


def _sqlite_engine(
    url: URL, connection_type: type[QuickConnection], *, query_only: bool, **options: Any
) -> AsyncEngine:
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"async_creator_fn": connection_type.to},
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
