"""SQLite interrupts reads that take too long, and the connection stays usable."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, make_url, text

from mechshare.adapters.persistence.sql.dialects.sqlite import Sqlite
from mechshare.adapters.persistence.sql.errors import UniqueViolated
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.domain.overload import QueryTimedOut
from mechshare.testing.bounds import bounded

ENDLESS = text(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"
)
COUNTING = text(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Sqlite]:
    dialect = Sqlite(make_url(f"sqlite:///{tmp_path / 'mechshare.db'}"), read_timeout=0.01)
    await dialect.prepare()
    yield dialect
    await dialect.close()


async def test_a_read_without_end_is_interrupted_and_its_connection_reads_again(sqlite: Sqlite) -> None:
    async with sqlite.read() as connection:
        reading = Statements(connection, sqlite, is_writing=False)
        for _ in range(3):
            with pytest.raises(QueryTimedOut):
                await asyncio.wait_for(reading.rows(ENDLESS), 60)
    for _ in range(5):
        async with sqlite.read() as connection:
            assert (await connection.execute(text("SELECT 7"))).scalar_one() == 7


async def test_the_connection_of_a_cancelled_read_serves_no_other_read(tmp_path: Path) -> None:
    patient = Sqlite(make_url(f"sqlite:///{tmp_path / 'mechshare.db'}"), read_timeout=0.5)
    async with bounded(), patient.read() as connection:
        reading = asyncio.create_task(Statements(connection, patient, is_writing=False).row(ENDLESS))
        await asyncio.sleep(
            0
        )  # begins; the longer it reads, the sooner a pause of this process lets it time out
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert connection.invalidated
    await patient.close()


async def test_all_statements_of_a_unit_of_work_share_its_transaction(sqlite: Sqlite) -> None:
    """Those with a list of values, too, whose text depends on their number."""
    insert = text("INSERT INTO parts (id) VALUES (:id)")
    find = text("SELECT id FROM parts WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
    async with sqlite.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE parts (id INTEGER PRIMARY KEY)")
    async with bounded(), sqlite.begin() as connection:
        writing = Statements(connection, sqlite, is_writing=True)
        await writing.change(insert, [{"id": 1}, {"id": 2}, {"id": 3}])
        assert await writing.rows(find, {"ids": [1, 3]}) == [(1,), (3,)]
        with pytest.raises(UniqueViolated):
            await writing.change(insert, {"id": 1})


async def test_a_slow_read_lets_the_event_loop_go_on(sqlite: Sqlite) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    async with sqlite.read() as connection:
        assert (await connection.execute(COUNTING)).scalar_one() == 300_000
    others.cancel()
    assert turns > 1


async def test_a_quick_statement_stays_in_the_thread_of_the_event_loop_however_often_it_runs(
    sqlite: Sqlite,
) -> None:
    counting = text(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        " SELECT thread(), count(*) FROM n"
    )
    async with sqlite.read() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.create_function("thread", 0, threading.get_ident)
        threads = {(await connection.execute(counting)).one()[0] for _ in range(200)}
    assert threads == {threading.get_ident()}


async def test_many_quick_statements_let_others_have_their_turn(sqlite: Sqlite) -> None:
    ended = asyncio.Event()

    async def read() -> None:
        async with sqlite.read() as connection:
            while not ended.is_set():
                await connection.execute(text("SELECT 7"))

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    ended.set()
    await asyncio.wait_for(reading, 60)


async def test_a_statement_waits_for_another_process_that_has_locked_the_database(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "mechshare.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
    async with sqlite.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE parts (id INTEGER)")
    other.close()


async def test_a_write_is_not_interrupted(sqlite: Sqlite) -> None:
    async with sqlite.begin() as connection:
        writing = Statements(connection, sqlite, is_writing=True)
        assert await writing.row(COUNTING) == (300_000,)
