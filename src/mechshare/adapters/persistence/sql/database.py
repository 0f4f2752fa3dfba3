"""The SQL database: connections, transactions and the schema's version."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects import dialect_of
from mechshare.adapters.persistence.sql.errors import translated
from mechshare.adapters.persistence.sql.unit_of_work import SqlUnitOfWork
from mechshare.domain.errors import SchemaOutdated

_MIGRATIONS = "mechshare.adapters.persistence.sql:migrations"


class SqlDatabase:
    """Over SQLite (`sqlite:///relative`, `sqlite:////absolute`)."""

    def __init__(self, url: str) -> None:
        self._dialect = dialect_of(url)
        self._newest: str | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlUnitOfWork]:
        with translated():
            async with self._dialect.begin() as connection:
                yield SqlUnitOfWork(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlUnitOfWork]:
        with translated():
            async with self._dialect.reader.connect() as connection:
                yield SqlUnitOfWork(connection)

    async def migrate(self) -> None:
        with translated():
            await self._dialect.prepare()
            # The write lock is held throughout: of many processes that start together, one migrates.
            async with self._dialect.begin() as connection:
                await connection.run_sync(_upgrade)

    async def check(self) -> str:
        with translated():
            async with self._dialect.reader.connect() as connection:
                version = await self._dialect.version(connection)
                revision = await _revision(connection)
        # Found once: it is asked for as often as somebody looks whether this process is well.
        self._newest = self._newest or ScriptDirectory.from_config(_config()).get_current_head()
        if revision != self._newest:
            raise SchemaOutdated(found=revision or "none", newest=self._newest)
        return f"{version}, schema {revision}"

    async def close(self) -> None:
        await self._dialect.reader.dispose()
        await self._dialect.writer.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _revision(connection: AsyncConnection) -> str | None:
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
