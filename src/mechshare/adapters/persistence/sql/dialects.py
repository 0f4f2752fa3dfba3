"""All that differs between the databases this adapter speaks to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, BigInteger, ColumnElement, event, literal, literal_column, make_url, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mechshare.adapters.persistence.sql.types import UtcTime

_READERS = 4
_BUSY_MS = 5_000


class Sqlite:
    """SQLite in WAL mode: one writer at a time over all processes, and readers that never wait for it."""

    category_ids: ColumnElement[str] = literal_column(
        "(SELECT group_concat(category_id) FROM (SELECT category_id FROM mechanism_categories"
        " WHERE mechanism_id = mechanisms.id ORDER BY position))"
    )
    """A mechanism's categories in their order, joined by commas."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url).set(drivername="sqlite+aiosqlite")
        self._path = Path(parsed.database or "")
        self.writer = _sqlite_engine(parsed, pool_size=1, query_only=False)
        self.reader = _sqlite_engine(parsed, pool_size=_READERS, query_only=True)

    def now(self, plus: timedelta = timedelta(0)) -> ColumnElement[Any]:
        """The database's own time, moved on by `plus`."""
        now = literal_column("CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)", BigInteger)
        return type_coerce(now + literal(plus // timedelta(microseconds=1), BigInteger), UtcTime)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its first moment, so that it never fails half-way for it."""
        async with self.writer.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                await connection.exec_driver_sql("ROLLBACK")
                raise
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


def _sqlite_engine(url: URL, *, pool_size: int, query_only: bool) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, isolation_level="AUTOCOMMIT", pool_timeout=_BUSY_MS / 1000
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA query_only = {int(query_only)}")
        cursor.close()

    return engine
