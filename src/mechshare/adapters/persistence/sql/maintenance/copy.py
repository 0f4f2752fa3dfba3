"""Copies all rows of one SQL database into another."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.database import SqlDatabase, dialect_of, newest_revision, revision_of
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

_STOP = "Stop every 'mechshare serve' and 'mechshare worker' that uses it, and start the copy again."
_LOOK = "Check its URL: sqlite:///relative, sqlite:////absolute."
_ELSEWHERE = "Copy into an empty database: make a new one, or drop what is in this one if nobody needs it."


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
class _Begun:
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
        self._begun: dict[str, _Begun] = {}

    async def prepare(self) -> Mapping[str, int]:
        there = {table.name: await _count(self._destination, table) for table in self._tables}
        if {name for name, rows in there.items() if rows} == {"categories"}:
            # These are the first categories of every new installation: an installation in use has users, too.
            there["categories"] = 0
            await self._clear_categories()
        totals = {table.name: await _count(self._source, table) for table in self._tables}
        for table in self._tables:
            if there[table.name]:
                await self._recognise(table, there[table.name])
        return totals

    async def copy(self, progress: Callable[[int], None]) -> None:
        for table in self._tables:
            begun = self._begun.get(table.name)
            progress(begun.rows if begun else 0)
            after = begun.last if begun else None
            async for batch in batches(self._source, table, as_copied(table), after):
                await self._insert(table, batch)
                progress(len(batch))

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        return tuple([await self._verified(table, progress) for table in self._tables])

    async def _clear_categories(self) -> None:
        (categories,) = (table for table in self._tables if table.name == "categories")
        await self._destination.execute(delete(categories))
        await self._destination.commit()

    async def _recognise(self, table: Table, rows: int) -> None:
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
                f"The destination's table '{table.name}' holds {rows} rows that are no part of a copy of this source. "
                f"{_ELSEWHERE}"
            )
        self._begun[table.name] = _Begun(rows, key_of(table, last))

    async def _insert(self, table: Table, batch: list[Values]) -> None:
        names = list(table.columns.keys())
        values = [dict(zip(names, row, strict=True)) for row in batch]
        try:
            await self._destination.execute(insert(table), values)
            await self._destination.commit()
        except IntegrityError as problem:
            raise CopyRefused(
                f"Somebody writes to the destination's table '{table.name}'. {_STOP}"
            ) from problem
        except DataError as problem:
            raise CopyRefused(
                f"The destination does not take a row of the table '{table.name}': {problem.orig}"
            ) from problem

    async def _verified(self, table: Table, progress: Callable[[int], None]) -> TableCopied:
        wanted = Digest()
        async for batch in batches(self._source, table, as_copied(table)):
            for row in batch:
                wanted.add(row)
            progress(len(batch))
        found = await self._digest(table)
        if found != wanted:
            raise CopyRefused(
                f"The table '{table.name}' is not the same on both sides: {wanted.rows} rows at the source, "
                f"{found.rows} at the destination, SHA-256 {wanted} and {found}. {_ELSEWHERE}"
            )
        begun = self._begun.get(table.name)
        return TableCopied(
            table=table.name, rows=found.rows, already=begun.rows if begun else 0, digest=str(found)
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
        advice = _LOOK if isinstance(problem, DatabaseMissing) else _STOP
        raise CopyRefused(f"The {side} {problem}. {advice}") from problem
    finally:
        await dialect.writer.dispose()
        await dialect.reader.dispose()


@asynccontextmanager
async def snapshot_of(side: str, url: str) -> AsyncIterator[AsyncConnection]:
    """Opens a snapshot of the database at `url`, which others may use meanwhile. Raises CopyRefused."""
    dialect = dialect_of(url)
    try:
        async with dialect.snapshot() as connection:
            await require_current(side, connection)
            yield connection
    except DatabaseMissing as problem:
        raise CopyRefused(f"The {side} {problem}. {_LOOK}") from problem
    finally:
        await dialect.writer.dispose()
        await dialect.reader.dispose()


async def require_current(side: str, connection: AsyncConnection) -> None:
    """Raises CopyRefused unless the schema is the one that this program needs."""
    found = await revision_of(connection)
    if found != newest_revision():
        raise CopyRefused(
            f"The {side}'s schema is at {found or 'none'}, this program needs {newest_revision()}. "
            f"Run 'mechshare migrate' with MECHSHARE_DATABASE_URL set to it, if it is the right one."
        )


async def make_ready(url: str) -> None:
    """Migrates a database without a schema. Does not touch an older schema: an installation may be using it."""
    dialect = dialect_of(url)
    try:
        await dialect.prepare()
        async with dialect.writer.connect() as connection:
            is_new = await revision_of(connection) is None
    finally:
        await dialect.writer.dispose()
    if is_new:
        database = SqlDatabase(url)
        await database.migrate()
        await database.close()


async def _count(connection: AsyncConnection, table: Table) -> int:
    count: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    return count
