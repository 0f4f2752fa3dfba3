"""The SQL database: connections, transactions and the schema's version."""

import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, literal_column, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.metrics import PoolMetrics
from mechshare.adapters.persistence.repositories import unit_of_work
from mechshare.adapters.persistence.sql.dialects.dialect import Dialect, Now
from mechshare.adapters.persistence.sql.dialects.sqlite import Sqlite
from mechshare.adapters.persistence.sql.errors import translated, translation_of
from mechshare.adapters.persistence.sql.schema import REPOSITORIES
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.domain.damage import DatabaseDamaged
from mechshare.domain.errors import SchemaOutdated
from mechshare.domain.schema_versions import SchemaMismatch, can_use
from mechshare.ports.persistence.database import UnitOfWork

_MIGRATIONS = "mechshare.adapters.persistence.sql:migrations"
_READERS, _WRITERS = PoolMetrics("read"), PoolMetrics("write")
_log = structlog.get_logger("mechshare.database")
_TIMEOUT = 2
"""Seconds: the API responds within 3 s, whatever the state of the database."""
_CLOCK = select(Now(literal_column("0")))


class SqlDatabase:
    """A database in SQLite (`sqlite:///relative`, `sqlite:////absolute`) or PostgreSQL
    (`postgresql://user:password@host/name`).

    Raises ValueError for other URLs. `timeout` is the number of seconds after which PostgreSQL counts as unavailable.
    """

    def __init__(self, url: str, *, timeout: int = _TIMEOUT) -> None:
        self._dialect = dialect_of(url, timeout=timeout)
        self._damage: DatabaseDamaged | None = None

    @property
    def reads_at_a_time(self) -> int:
        return self._dialect.reads_at_a_time

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._unit(self._dialect.begin, _WRITERS, is_writing=True)

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._unit(self._dialect.read, _READERS, is_writing=False)

    @asynccontextmanager
    async def _unit(
        self,
        connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        metrics: PoolMetrics,
        *,
        is_writing: bool,
    ) -> AsyncIterator[UnitOfWork]:
        """Lends a connection to a unit of work, measures its use, translates errors and notes damage."""
        # Every request passes here: a context manager for each of these takes as long as a short statement.
        started = time.perf_counter()
        async with self._dialect.guard():
            try:
                async with connect() as connection:
                    metrics.take(started)
                    statements = Statements(connection, self._dialect, is_writing=is_writing)
                    try:
                        yield unit_of_work(REPOSITORIES, statements)
                    finally:
                        statements.close()
                        metrics.release()
            except DatabaseDamaged as damage:
                self._note(damage)
                raise
            except SQLAlchemyError as problem:
                with self._noting_damage():
                    raise translation_of(problem, is_writing) from problem

    async def migrate(self) -> None:
        with self._noting_damage(), translated():
            await self._dialect.prepare()
            async with self._dialect.migrate() as connection:
                await connection.run_sync(_upgrade)

    async def check(self) -> str:
        if self._damage is not None:
            raise self._damage
        async with self._dialect.guard():
            with translated():
                async with self._dialect.read() as connection:
                    with self._dialect.statement_timeout(connection):
                        version = await self._dialect.version(connection)
                        revision = await revision_of(connection)
        newest = newest_revision()
        if revision is None or revision in revisions()[:-1]:
            raise SchemaOutdated(found=revision or "none", newest=newest)
        if not can_use(newest, revision):
            raise SchemaMismatch()
        newer = f", newer than this program's {newest}" if revision > newest else ""
        return f"{version}, schema {revision}{newer}"

    async def verify(self) -> str:
        described = await self.check()
        with self._noting_damage(), translated():
            async with self._dialect.read() as connection:
                integrity = await self._dialect.integrity(connection)
        return f"{described}, {integrity}" if integrity else described

    async def now(self) -> datetime:
        async with self._dialect.guard():
            with translated():
                async with self._dialect.read() as connection:
                    with self._dialect.statement_timeout(connection):
                        found: datetime = (await connection.execute(_CLOCK)).scalar_one()
        return found

    async def close(self) -> None:
        await self._dialect.close()

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        try:
            yield
        except DatabaseDamaged as damage:
            self._note(damage)
            raise

    def _note(self, damage: DatabaseDamaged) -> None:
        """Notes damage, which makes `check` fail until the process is restarted, and logs it once."""
        if self._damage is None:
            where = self._dialect.writer.url.render_as_string(hide_password=True)
            problem = str(damage.__cause__).partition("\n")[0]
            _log.error("database_damaged", database=where, problem=problem, command="mechshare doctor")
        self._damage = damage


def dialect_of(url: str, *, timeout: int = _TIMEOUT) -> Dialect:
    """Returns the dialect of the database at `url`. Raises ValueError for an unsupported URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as problem:
        raise ValueError("it is not the URL of a database") from problem
    scheme = parsed.drivername.lower()
    if scheme == "sqlite":
        return Sqlite(parsed)
    if scheme == "postgresql":
        # Imported here: psycopg is an optional extra.
        from mechshare.adapters.persistence.sql.dialects.postgresql import Postgresql

        return Postgresql(parsed, timeout=timeout)
    raise ValueError(f"its scheme '{scheme}' is neither sqlite nor postgresql")


def newest_revision() -> str:
    """Returns the revision of the schema that this program needs."""
    return revisions()[-1]


@functools.cache
def revisions() -> tuple[str, ...]:
    """Returns the revisions of the schema that this program knows, oldest first.

    Reads the migration files only once: readiness checks call this every few seconds.
    """
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in scripts)[::-1]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config


def _upgrade(connection: Connection) -> None:
    """Migrates to the newest revision. Leaves a newer schema unchanged: old servers may restart during an upgrade.

    Raises SchemaMismatch if it is too new for this program.
    """
    current = MigrationContext.configure(connection).get_current_revision()
    if current == newest_revision():
        return
    if current is not None and current not in revisions():
        if not can_use(newest_revision(), current):
            raise SchemaMismatch()
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def revision_of(connection: AsyncConnection) -> str | None:
    """Returns the revision of the database's schema, or None if it was never migrated."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
