"""PostgreSQL, through psycopg."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import cache
from hashlib import blake2b
from typing import Any

from psycopg.types.string import TextLoader
from sqlalchemy import URL, Column, Select, bindparam, event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.adapters.persistence.sql.dialects.dialect import NotExclusive
from mechshare.adapters.persistence.sql.dialects.executor import ConnectionExecutor, Executor

_READERS, _WRITERS = 8, 8
"""Connections per process."""
_CUT_LATER = 0.5
"""Seconds after this process has noticed the timeout of a statement."""
_LOCK_SHARE = 0.75
"""The part of a statement's timeout that it may wait for a lock: one that takes too long is reported as such."""
_ADVISORY_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_EXCLUSIVE_TIMEOUT = 10
"""Seconds. If a killed copy is restarted, a busy server needs a few of them to drop the old connection."""
_OTHER_SESSIONS = text(
    "SELECT pg_try_advisory_lock(:key), (SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'mechshare' AND pid <> pg_backend_pid())"
)
_TABLES = text(
    "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables WHERE schemaname = current_schema()"
)
_MIGRATING = int.from_bytes(b"mechshar", "big", signed=True)


class Postgresql:
    """PostgreSQL through psycopg. Readers don't block writers; writers of the same row wait for each other.

    Isolation is READ COMMITTED. Transactions lock the rows and names that their decisions depend on; SERIALIZABLE would
    instead require callers to retry the transactions that it rejects.
    """

    reads_at_a_time = 2
    """This process handles one result while the server computes the other."""

    def __init__(self, url: URL, *, timeout: int) -> None:
        """`timeout` is in seconds: for connecting, for a free connection and for each statement."""
        parsed = url.set(drivername="postgresql+psycopg")
        self.writer = _postgresql_engine(parsed, timeout, pool_size=_WRITERS)
        self._reader = _postgresql_engine(
            parsed,
            timeout,
            pool_size=_READERS,
            settings={"default_transaction_read_only": "on"},
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            skip_autocommit_rollback=True,
        )
        self._circuit = CircuitBreaker("database")
        self._timeout = timeout

    def guard(self) -> AbstractAsyncContextManager[None]:
        return self._circuit.guard()

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._reader.connect()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.writer.connect() as connection:
            yield connection
            with self.statement_timeout(connection):
                await connection.commit()

    @contextmanager
    def statement_timeout(self, connection: AsyncConnection) -> Iterator[None]:
        """The server aborts slow statements. If it hangs and can't, this shuts the connection down a little later.

        A process that was suspended meanwhile has _CUT_LATER to read a response that waits for it.
        """
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def cut_later() -> None:
            timers.append(loop.call_later(_CUT_LATER, _cut, connection))

        timers.append(loop.call_later(self._timeout, cut_later))
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()

    def executor(self, connection: AsyncConnection) -> Executor:
        return ConnectionExecutor(connection, self.statement_timeout)

    async def lock_row(
        self, connection: AsyncConnection, id: Column[Any], value: Any, *, may_be_deleted: bool
    ) -> None:
        with self.statement_timeout(connection):
            await connection.execute(_locked_row(id, may_be_deleted), {"held": value})

    async def advisory_lock(self, connection: AsyncConnection, name: str) -> None:
        key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        with self.statement_timeout(connection):
            await connection.execute(_ADVISORY_LOCK, {"key": key})

    async def prepare(self) -> None:
        """Does nothing: the operator creates the database."""

    @asynccontextmanager
    async def migrate(self) -> AsyncIterator[AsyncConnection]:
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            await connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            await connection.execute(_ADVISORY_LOCK, {"key": _MIGRATING})
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def exclusive(self, *, is_changing: bool) -> AsyncIterator[AsyncConnection]:
        """Takes the migration lock, which every server needs to start; without `is_changing`, locks all tables too."""
        async with self.writer.connect() as connection:
            try:
                await connection.exec_driver_sql("SET statement_timeout = 0")
                await connection.exec_driver_sql(f"SET lock_timeout = '{_EXCLUSIVE_TIMEOUT}s'")
                await _wait_for_exclusive(connection)
                await connection.commit()
                if not is_changing:
                    await _lock_tables(connection)
                yield connection
            finally:
                await connection.invalidate()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        async with self.writer.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            await connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            await connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            yield connection

    async def close(self) -> None:
        await self._reader.dispose()
        await self.writer.dispose()

    async def integrity(self, connection: AsyncConnection) -> str:
        """Checks nothing: PostgreSQL reports a damaged page when it reads it, and `pg_amcheck` reads all."""
        return ""

    async def version(self, connection: AsyncConnection) -> str:
        found = await connection.exec_driver_sql("SHOW server_version")
        return f"PostgreSQL {found.scalar_one()}"


@cache
def _locked_row(id: Column[Any], may_be_deleted: bool) -> Select[Any]:
    return select(id).where(id == bindparam("held")).with_for_update(key_share=not may_be_deleted)


async def _wait_for_exclusive(connection: AsyncConnection) -> None:
    """Waits for exclusive access. PostgreSQL counts connections for a moment after they were closed.

    Raises NotExclusive after _EXCLUSIVE_TIMEOUT seconds.
    """
    deadline = asyncio.get_running_loop().time() + _EXCLUSIVE_TIMEOUT
    while True:
        is_not_modified, other_sessions = (
            await connection.execute(_OTHER_SESSIONS, {"key": _MIGRATING})
        ).one()
        if is_not_modified and not other_sessions:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise NotExclusive(f"is in use by {other_sessions or 1} other connection(s)")
        await asyncio.sleep(0.1)


async def _lock_tables(connection: AsyncConnection) -> None:
    names = (await connection.execute(_TABLES)).scalar_one()
    try:
        if names:
            await connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
    except OperationalError as problem:
        raise NotExclusive("is in use: somebody writes to it") from problem


def _cut(connection: AsyncConnection) -> None:
    """Shuts down the connection's socket, which wakes the task that waits for a response on it."""
    driver = connection.sync_connection.connection.driver_connection if connection.sync_connection else None
    if driver is not None and driver.pgconn.status == 0:
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as waiting, suppress(OSError):
            waiting.shutdown(socket.SHUT_RDWR)


def _postgresql_engine(
    url: URL, timeout: int, *, settings: Mapping[str, str] | None = None, **options: Any
) -> AsyncEngine:
    session_options = {
        "timezone": "UTC",
        "statement_timeout": f"{timeout}s",
        "lock_timeout": f"{round(1_000 * timeout * _LOCK_SHARE)}ms",
        **(settings or {}),
    }
    server_options = " ".join(f"-c {name}={value}" for name, value in session_options.items())
    engine = create_async_engine(
        url,
        connect_args={
            "connect_timeout": timeout,
            "options": server_options,
            "application_name": "mechshare",
        },
        max_overflow=0,
        pool_timeout=timeout,
        **options,
    )
    event.listen(engine.sync_engine, "connect", _take_identifiers_as_text)
    return engine


def _take_identifiers_as_text(connection: Any, record: object) -> None:
    """Loads UUIDs as text, the domain's form. The driver would build UUID objects, only to be converted back."""
    connection.driver_connection.adapters.register_loader("uuid", TextLoader)
