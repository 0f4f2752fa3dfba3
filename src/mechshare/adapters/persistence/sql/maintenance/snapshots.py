"""Stores a snapshot of an installation's rows in a SQLite file, and restores it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from mechshare.adapters.leftovers import locked_folder
from mechshare.adapters.persistence.sql.database import (
    SqlDatabase,
    dialect_of,
    newest_revision,
    revision_of,
    revisions,
)
from mechshare.adapters.persistence.sql.errors import translated
from mechshare.adapters.persistence.sql.maintenance.copy import (
    SqlDatabaseCopy,
    exclusive,
    make_ready,
    snapshot_of,
)
from mechshare.adapters.persistence.sql.maintenance.table_io import BATCH, Digest, batches, plain_tables
from mechshare.adapters.persistence.sql.tables import blob_references, users
from mechshare.domain.backups import OLDEST_USERS, BackupRefused, InstallationSummary, Snapshot, TableSummary
from mechshare.domain.blobs import digest_prefix
from mechshare.domain.copies import CopyRefused
from mechshare.ports.persistence.copy import DatabaseCopy

_OLDEST_USERS = select(users.c.id).order_by(users.c.created_at, users.c.id).limit(OLDEST_USERS)
_REFERENCES = (
    select(blob_references.c.key, blob_references.c.sha256).order_by(blob_references.c.key).limit(BATCH)
)


class SqlSnapshots:
    """Snapshots of the SQL database at `url`. `scratch` is the folder in which rows of an older schema are migrated."""

    def __init__(self, url: str, scratch: Path) -> None:
        self._url = url
        self._scratch = scratch

    async def inspect(self) -> InstallationSummary:
        with _refusing(), translated():
            async with snapshot_of("database", self._url) as connection:
                return await _summary(connection)

    async def take(self, into: Path, progress: Callable[[int, int], None]) -> Snapshot:
        with _refusing(), translated():
            async with snapshot_of("database", self._url) as source:
                await make_ready(_url_of(into))
                async with exclusive("backup", _url_of(into), is_changing=True) as draft:
                    snapshot = await _taken(source, draft, progress)
            await _make_one_file(into)
        return snapshot

    async def read(self, rows: Path) -> Snapshot:
        with _refusing(), translated():
            async with self._current(rows) as (connection, is_old):
                tables = () if is_old else tuple([table async for table in _tables(connection)])
                return Snapshot(summary=await _summary(connection), tables=tables)

    @asynccontextmanager
    async def restore(self, rows: Path) -> AsyncIterator[DatabaseCopy]:
        with translated():
            async with self._current(rows) as (source, _):
                await make_ready(self._url)
                async with exclusive("destination", self._url, is_changing=True) as destination:
                    yield SqlDatabaseCopy(source, destination)

    @asynccontextmanager
    async def _current(self, rows: Path) -> AsyncIterator[tuple[AsyncConnection, bool]]:
        """Opens the rows in this program's schema; the flag says whether they were stored in an older one.

        Raises BackupRefused for rows of a newer schema.
        """
        async with _frozen(rows) as connection:
            revision = await revision_of(connection)
            _refuse_newer(revision)
            is_old = revision != newest_revision()
            if not is_old:
                yield connection, False
        if is_old:
            await asyncio.to_thread(self._scratch.mkdir, parents=True, exist_ok=True)
            with locked_folder(self._scratch) as folder:
                copied = folder / "rows.db"
                await asyncio.to_thread(shutil.copyfile, rows, copied)
                await _bring_up_to_date(copied)
                async with exclusive("backup", _url_of(copied), is_changing=False) as connection:
                    yield connection, True


async def _taken(
    source: AsyncConnection, draft: AsyncConnection, progress: Callable[[int, int], None]
) -> Snapshot:
    copy = SqlDatabaseCopy(source, draft)
    rows = sum((await copy.prepare()).values())
    progress(0, rows)
    await copy.copy(lambda more: progress(more, rows))
    tables = await copy.verify(lambda more: None)
    return Snapshot(
        summary=await _summary(source),
        tables=tuple(TableSummary(table=str(one.table), rows=one.rows, digest=one.digest) for one in tables),
    )


async def _summary(connection: AsyncConnection) -> InstallationSummary:
    oldest_users = tuple((await connection.execute(_OLDEST_USERS)).scalars())
    schema = await revision_of(connection) or ""
    named: dict[str, str] = {}
    last = ""
    while True:
        found = (await connection.execute(_REFERENCES.where(blob_references.c.key > last))).all()
        named |= {key: sha256 or digest_prefix(key) for key, sha256 in found}
        if len(found) < BATCH:
            return InstallationSummary(schema=schema, oldest_users=oldest_users, named=named)
        last = found[-1].key


async def _tables(connection: AsyncConnection) -> AsyncIterator[TableSummary]:
    for table in plain_tables():
        digest = Digest()
        async for batch in batches(connection, table, list(table.columns)):
            for row in batch:
                digest.add(row)
        yield TableSummary(table=str(table.name), rows=digest.rows, digest=str(digest))


@asynccontextmanager
async def _frozen(rows: Path) -> AsyncIterator[AsyncConnection]:
    """Opens the file as immutable, without a lock: its folder may be read-only."""
    url = URL.create(
        "sqlite+aiosqlite",
        database=f"file:{quote(str(rows))}",
        query={"mode": "ro", "immutable": "1", "uri": "true"},
    )
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _bring_up_to_date(rows: Path) -> None:
    """Migrates `rows`, whose revision this program knows."""
    database = SqlDatabase(_url_of(rows))
    try:
        await database.migrate()
    finally:
        await database.close()


def _refuse_newer(revision: str | None) -> None:
    # A server works with a newer schema; a restore would lose what the newer tables hold.
    if revision is not None and revision not in revisions():
        raise BackupRefused(
            f"The backup was made by a newer mechshare (schema {revision}): restore it with that release or a later "
            "one."
        )


async def _make_one_file(rows: Path) -> None:
    """Merges the WAL into the file `rows`, so that a single file remains."""
    dialect = dialect_of(_url_of(rows))
    try:
        async with dialect.writer.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        await dialect.close()


def _url_of(rows: Path) -> str:
    return URL.create("sqlite", database=str(rows)).render_as_string()


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except CopyRefused as problem:
        raise BackupRefused(str(problem)) from problem
