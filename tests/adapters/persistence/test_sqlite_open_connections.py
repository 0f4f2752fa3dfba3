import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects.sqlite import Sqlite
from mechshare.adapters.persistence.sql.dialects.sqlite_executor import driver_of, execute_command
from mechshare.adapters.persistence.sql.dialects.sqlite_open_connections import OpenConnections
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.testing.bounds import bounded

SEVEN = text("SELECT 7")


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Sqlite]:
    dialect = Sqlite(make_url(f"sqlite:///{tmp_path / 'mechshare.db'}?timeout=0.1"))
    await dialect.prepare()
    yield dialect
    await dialect.close()


async def read(sqlite: Sqlite, connection: AsyncConnection) -> None:
    assert await Statements(connection, sqlite, is_writing=False).row(SEVEN) == (7,)


async def test_the_next_unit_of_work_uses_the_same_connection(sqlite: Sqlite) -> None:
    used = []
    for _ in range(3):
        async with sqlite.read() as connection:
            await read(sqlite, connection)
            used.append(connection)
    assert used[0] is used[1] is used[2]


async def test_a_connection_is_used_again_after_an_error_of_the_unit_of_work(sqlite: Sqlite) -> None:
    with pytest.raises(LookupError):
        async with sqlite.read() as first:
            raise LookupError
    async with sqlite.read() as second:
        await read(sqlite, second)
    assert first is second


async def test_the_writer_rolls_an_unfinished_transaction_back(sqlite: Sqlite) -> None:
    writers = OpenConnections(sqlite.writer, size=1, timeout=1)
    for begin in ("BEGIN IMMEDIATE", "SAVEPOINT one"):
        async with writers.connect() as connection:
            await execute_command(driver_of(connection), begin)
        async with writers.connect() as connection:
            assert not driver_of(connection).in_transaction
    await writers.close()


async def test_a_closed_connection_is_replaced(sqlite: Sqlite) -> None:
    async with sqlite.read() as connection:
        await connection.invalidate()
    async with sqlite.read() as connection:
        await read(sqlite, connection)


async def test_a_reader_that_waits_too_long_is_refused_and_the_others_go_on(sqlite: Sqlite) -> None:
    async with bounded(), sqlite.read() as one, sqlite.read() as other:
        assert one is not other
        with pytest.raises(PoolTimeout):
            async with sqlite.read():
                pass
        await read(sqlite, one)
    async with bounded(), sqlite.read() as connection:
        await read(sqlite, connection)


async def test_a_cancelled_wait_takes_no_connection(sqlite: Sqlite) -> None:
    async def wait() -> None:
        async with sqlite.read():
            pass

    async with bounded(), sqlite.read(), sqlite.read():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with bounded(), sqlite.read(), sqlite.read() as connection:
        await read(sqlite, connection)
