"""Copies all rows of one SQL database into another."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.database import (
    SqlDatabase,
    dialect_of,
    newest_revision,
    revision_of,
)
from mechshare.adapters.persistence.sql.dialects.dialect import DatabaseMissing, NotExclusive
from mechshare.adapters.persistence.sql.errors import translated
from mechshare.adapters.persistence.sql.maintenance.table_io import (
    Digest,
    Values,
    as_copied,
    batches,
    key_of,
    plain_tables,
)
from mechshare.domain.copies import CopyRefused
from mechshare.ports.persistence.copy import TableCopied

_STOP_PROCESSES = "Stop every 'mechshare serve' and 'mechshare worker' that uses it, then run the copy again."
_CHECK_URL = "Check its URL: sqlite:///relative, sqlite:////absolute."
_USE_EMPTY_DATABASE = (
    "Copy into an empty database: create a new one, or drop the tables of this one if nothing uses it."
)


@asynccontextmanager
async def sql_copy(source: str, destination: str) -> AsyncIterator["SqlDatabaseCopy"]:
    """Opens a copy from one URL to the other, with exclusive access to both. Migrates a destination without a schema.

    Raises CopyRefused, Unavailable.
    """
    with translated():
        async with exclusive("source", source, is_changing=False) as old:
            await make_ready(destination)
            async with exclusive("destination", destination, is_changing=True) as new:
                yield SqlDatabaseCopy(old, new)


@dataclass(frozen=True, slots=True)
class _Resumed:
    """The number of rows that an earlier run copied, and the primary key of the last one."""

    rows: int
    last: Values


class SqlDatabaseCopy:
    """Copies each batch in a transaction, one table after the other, in the order of the source's primary keys.

    An interrupted run therefore leaves the first rows of a table, all rows of the tables before it, and none of the
    tables after it.
    """

    def __init__(self, source: AsyncConnection, destination: AsyncConnection) -> None:
        self._source = source
        self._destination = destination
        self._tables = plain_tables()
        self._resumed: dict[str, _Resumed] = {}

    async def prepare(self) -> Mapping[str, int]:
        existing = {table.name: await _count(self._destination, table) for table in self._tables}
        if {name for name, rows in existing.items() if rows} == {"categories"}:
            # These are the first categories of every new installation: an installation in use has users, too.
            existing["categories"] = 0
            await self._clear_categories()
        totals = {table.name: await _count(self._source, table) for table in self._tables}
        for table in self._tables:
            if existing[table.name]:
                await self._resume(table, existing[table.name])
        return totals

    async def copy(self, progress: Callable[[int], None]) -> None:
        for table in self._tables:
            resumed = self._resumed.get(table.name)
            progress(resumed.rows if resumed else 0)
            after = resumed.last if resumed else None
            async for batch in batches(self._source, table, as_copied(table), after):
                await self._insert(table, batch)
                progress(len(batch))

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        return tuple([await self._verified(table, progress) for table in self._tables])

    async def _clear_categories(self) -> None:
        (categories,) = (table for table in self._tables if table.name == "categories")
        await self._destination.execute(delete(categories))
        await self._destination.commit()

    async def _resume(self, table: Table, rows: int) -> None:
        """Raises CopyRefused unless the destination's rows are the source's first `rows` rows."""
        first, last = Digest(), None
        async for batch in batches(self._source, table, as_copied(table)):
            for row in batch[: rows - first.rows]:
                first.add(row)
                last = row
            if first.rows == rows:
                break
        if last is None or first != await self._digest(table):
            raise CopyRefused(
                f"The destination's table '{table.name}' has {rows} rows that are not from this source. "
                f"{_USE_EMPTY_DATABASE}"
            )
        self._resumed[table.name] = _Resumed(rows, key_of(table, last))

    async def _insert(self, table: Table, batch: list[Values]) -> None:
        names = list(table.columns.keys())
        values = [dict(zip(names, row, strict=True)) for row in batch]
        try:
            await self._destination.execute(insert(table), values)
            await self._destination.commit()
        except IntegrityError as problem:
            raise CopyRefused(
                f"Another program writes to the destination's table '{table.name}'. {_STOP_PROCESSES}"
            ) from problem
        except DataError as problem:
            raise CopyRefused(
                f"The destination rejected a row of the table '{table.name}': {problem.orig}"
            ) from problem

    async def _verified(self, table: Table, progress: Callable[[int], None]) -> TableCopied:
        expected = Digest()
        async for batch in batches(self._source, table, as_copied(table)):
            for row in batch:
                expected.add(row)
            progress(len(batch))
        actual = await self._digest(table)
        if actual != expected:
            raise CopyRefused(
                f"The table '{table.name}' differs: {expected.rows} rows at the source, "
                f"{actual.rows} at the destination, SHA-256 {expected} and {actual}. {_USE_EMPTY_DATABASE}"
            )
        resumed = self._resumed.get(table.name)
        return TableCopied(
            table=str(table.name),
            rows=actual.rows,
            resumed=resumed.rows if resumed else 0,
            digest=str(actual),
        )

    async def _digest(self, table: Table) -> Digest:
        """Returns the digest of the destination's rows."""
        digest = Digest()
        async for batch in batches(self._destination, table, list(table.columns)):
            for row in batch:
                digest.add(row)
        return digest


@asynccontextmanager
async def exclusive(side: str, url: str, *, is_changing: bool) -> AsyncIterator[AsyncConnection]:
    """Opens the database at `url` with exclusive access. Raises CopyRefused; its message calls the database `side`."""
    dialect = dialect_of(url)
    try:
        async with dialect.exclusive(is_changing=is_changing) as connection:
            await require_current(side, connection)
            yield connection
    except NotExclusive as problem:
        advice = _CHECK_URL if isinstance(problem, DatabaseMissing) else _STOP_PROCESSES
        raise CopyRefused(f"The {side} {problem}. {advice}") from problem
    finally:
        await dialect.close()


@asynccontextmanager
async def snapshot_of(side: str, url: str) -> AsyncIterator[AsyncConnection]:
    """Opens a snapshot of the database at `url`, which others may use meanwhile. Raises CopyRefused."""
    dialect = dialect_of(url)
    try:
        async with dialect.snapshot() as connection:
            await require_current(side, connection)
            yield connection
    except DatabaseMissing as problem:
        raise CopyRefused(f"The {side} {problem}. {_CHECK_URL}") from problem
    finally:
        await dialect.close()


async def require_current(side: str, connection: AsyncConnection) -> None:
    """Raises CopyRefused unless the schema is the one that this program needs."""
    actual = await revision_of(connection)
    if actual is not None and actual > newest_revision():
        raise CopyRefused(
            f"The {side}'s schema is at {actual}, which this program does not know yet (it needs {newest_revision()}). "
            "Use the release of mechshare that migrated it, or a newer one."
        )
    if actual != newest_revision():
        raise CopyRefused(
            f"The {side}'s schema is at {actual or 'none'}, this program needs {newest_revision()}. "
            f"If it is the right database, run 'mechshare migrate' with MECHSHARE_DATABASE_URL set to it."
        )


async def make_ready(url: str) -> None:
    """Migrates a database without a schema. Does not touch an older schema: an installation may be using it."""
    dialect = dialect_of(url)
    try:
        await dialect.prepare()
        async with dialect.writer.connect() as connection:
            is_new = await revision_of(connection) is None
    finally:
        await dialect.close()
    if is_new:
        database = SqlDatabase(url)
        await database.migrate()
        await database.close()


async def _count(connection: AsyncConnection, table: Table) -> int:
    count: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    return count
