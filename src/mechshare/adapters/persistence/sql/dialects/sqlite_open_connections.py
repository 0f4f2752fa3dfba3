"""Connections to SQLite that stay open from one unit of work to the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mechshare.adapters.persistence.sql.dialects.sqlite_executor import driver_of


class OpenConnections:
    """Lends at most `size` connections of `engine` at a time.

    A connection whose statements ran on the driver alone is lent again as it is: SQLAlchemy's pool takes several times
    as long to lend one as SQLite to find a row. Any other connection returns to the pool, which resets it.
    """

    def __init__(self, engine: AsyncEngine, *, size: int, timeout: float) -> None:
        """`timeout` is how many seconds a caller waits for a connection."""
        self._engine = engine
        self._timeout = timeout
        self._free = asyncio.Semaphore(size)
        self._idle: list[AsyncConnection] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Raises SQLAlchemy's TimeoutError if all connections stay in use."""
        await self._wait_for_free()
        try:
            connection = self._idle.pop() if self._idle else await self._engine.connect()
            try:
                yield connection
            finally:
                if _is_unchanged(connection):
                    self._idle.append(connection)
                else:
                    await asyncio.shield(asyncio.create_task(connection.close()))
        finally:
            self._free.release()

    async def close(self) -> None:
        """Closes the connections that are not in use, and the engine."""
        while self._idle:
            await self._idle.pop().close()
        await self._engine.dispose()

    async def _wait_for_free(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # at once: no timer is needed
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError as problem:
            raise PoolTimeout() from problem


def _is_unchanged(connection: AsyncConnection) -> bool:
    """Whether neither SQLAlchemy nor SQLite has begun a transaction on the connection that has not ended."""
    inner = connection.sync_connection
    if inner is None or inner.closed or inner.invalidated or inner.in_transaction():
        return False
    return not driver_of(connection).in_transaction
