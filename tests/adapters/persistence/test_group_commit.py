"""Units of work that run at the same time share a commit in SQLite, and nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError

from mechshare.adapters.persistence.sql.dialects.sqlite import Sqlite
from mechshare.adapters.persistence.sql.dialects.sqlite_group_commit import MAX_UNITS
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.domain.overload import Busy
from mechshare.testing.bounds import bounded

INSERT = text("INSERT INTO parts (id, content) VALUES (:id, :content)")
INSERT_ORPHAN = text("INSERT INTO parts (id, whole) VALUES (:id, 1000)")
NUMBERS = text("SELECT id FROM parts ORDER BY id")
COUNTING = text(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Sqlite]:
    """A database with one table."""
    dialect = Sqlite(make_url(f"sqlite:///{tmp_path / 'mechshare.db'}?timeout=60"))
    await dialect.prepare()
    async with dialect.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TABLE parts (id INTEGER PRIMARY KEY, content TEXT, whole INTEGER"
            " REFERENCES parts (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    yield dialect
    await dialect.close()


async def on_statement(sqlite: Sqlite, notice: Callable[[str], None]) -> None:
    """Has `notice` called in the thread of the event loop as each statement of the writer begins, or soon after if it
    runs in the connection's thread."""
    loop, here = asyncio.get_running_loop(), threading.get_ident()

    def trace(statement: str) -> None:
        if threading.get_ident() == here:
            notice(statement)
        else:
            loop.call_soon_threadsafe(notice, statement)

    async with sqlite.writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.set_trace_callback(trace)


async def insert(sqlite: Sqlite, number: int, content: str = "") -> None:
    async with sqlite.begin() as connection:
        await connection.execute(INSERT, {"id": number, "content": content})


async def insert_and_fail(sqlite: Sqlite, number: int) -> None:
    async with sqlite.begin() as connection:
        await connection.execute(INSERT, {"id": number, "content": ""})
        raise LookupError


async def insert_what_no_commit_accepts(sqlite: Sqlite, number: int) -> None:
    async with sqlite.begin() as connection:
        await connection.execute(INSERT_ORPHAN, {"id": number})


async def refuse_if_known(sqlite: Sqlite, number: int) -> None:
    async with sqlite.begin() as connection:
        if number in (await connection.execute(NUMBERS)).scalars().all():
            raise LookupError


async def outcomes(*units: Awaitable[None]) -> Sequence[type[BaseException] | None]:
    """Runs them at the same time; returns the type of what each raises."""
    async with bounded():
        found = await asyncio.gather(*units, return_exceptions=True)
    return [None if one is None else type(one) for one in found]


async def stored(sqlite: Sqlite) -> Sequence[int]:
    async with sqlite.read() as connection:
        return (await connection.execute(NUMBERS)).scalars().all()


async def test_concurrent_units_share_commits_and_all_are_stored(sqlite: Sqlite) -> None:
    statements: list[str] = []
    await on_statement(sqlite, statements.append)
    number = 2 * MAX_UNITS + 1
    assert await outcomes(*(insert(sqlite, one) for one in range(number))) == [None] * number
    assert await stored(sqlite) == list(range(number))
    assert statements.count("COMMIT") == 3


async def test_a_unit_is_stored_as_soon_as_it_has_returned(sqlite: Sqlite) -> None:
    async def insert_and_look(number: int) -> bool:
        await insert(sqlite, number)
        return number in await stored(sqlite)

    async with bounded():
        assert all(await asyncio.gather(*map(insert_and_look, range(5))))


@pytest.mark.parametrize("failing", [0, 2, 4])
async def test_a_failing_unit_leaves_the_others(sqlite: Sqlite, failing: int) -> None:
    units = [(insert_and_fail if one == failing else insert)(sqlite, one) for one in range(5)]
    assert await outcomes(*units) == [LookupError if one == failing else None for one in range(5)]
    assert await stored(sqlite) == [one for one in range(5) if one != failing]


async def test_a_unit_that_begins_with_many_rows_and_fails_leaves_the_others(sqlite: Sqlite) -> None:
    async def insert_many_and_fail() -> None:
        async with sqlite.begin() as connection:
            await connection.execute(INSERT, [{"id": one, "content": ""} for one in range(100, 300)])
            raise RuntimeError

    found = await outcomes(insert(sqlite, 1), insert_many_and_fail(), insert(sqlite, 2))
    assert found == [None, RuntimeError, None]
    assert await stored(sqlite) == [1, 2]


async def test_a_unit_may_go_on_after_a_statement_that_failed(sqlite: Sqlite) -> None:
    async def insert_twice() -> None:
        async with sqlite.begin() as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(INSERT, {"id": 1, "content": ""})
            await connection.execute(INSERT, {"id": 2, "content": ""})

    assert await outcomes(insert(sqlite, 1), insert_twice(), insert(sqlite, 3)) == [None] * 3
    assert await stored(sqlite) == [1, 2, 3]


async def test_a_commit_that_fails_fails_all_its_units_and_the_next_one_works(sqlite: Sqlite) -> None:
    found = await outcomes(
        insert(sqlite, 1), insert_what_no_commit_accepts(sqlite, 2), refuse_if_known(sqlite, 1)
    )
    assert found == [IntegrityError] * 3  # The last one too: it had read what was never committed.
    assert await stored(sqlite) == []
    await insert(sqlite, 1)
    assert await outcomes(refuse_if_known(sqlite, 1)) == [LookupError]


async def test_when_the_disk_is_full_what_is_acknowledged_is_stored_and_nothing_else(sqlite: Sqlite) -> None:
    async with sqlite.writer.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 20")
    units = [insert(sqlite, one, "x" * (200_000 if one == 2 else 10)) for one in range(5)]
    found = await outcomes(*units)
    assert found[2] is OperationalError
    assert await stored(sqlite) == [number for number, problem in enumerate(found) if problem is None]
    await insert(sqlite, 7)
    assert 7 in await stored(sqlite)


@pytest.mark.parametrize(
    ("statement", "is_stored"), [("BEGIN", False), ("WITH", False), ("INSERT", True), ("COMMIT", True)]
)
async def test_cancelling_a_unit_leaves_the_others(sqlite: Sqlite, statement: str, is_stored: bool) -> None:
    """The unit is cancelled while the first such statement runs: while the unit waits for its turn, while it runs a
    slow statement, while it runs a quick one, which ends first, and while it waits for the commit."""

    async def count_and_insert() -> None:
        async with sqlite.begin() as connection:
            writing = Statements(connection, sqlite, is_writing=True)
            await writing.row(COUNTING)
            await writing.change(INSERT, {"id": 1, "content": ""})

    def cancel(beginning: str) -> None:
        if beginning.startswith(statement):
            cancelled.cancel()

    await on_statement(sqlite, cancel)
    cancelled = asyncio.create_task(count_and_insert())
    found = await outcomes(cancelled, insert(sqlite, 2), insert(sqlite, 3))
    assert found == [asyncio.CancelledError, None, None]
    assert await stored(sqlite) == ([1, 2, 3] if is_stored else [2, 3])


async def test_a_unit_that_waits_too_long_for_its_turn_is_refused_and_leaves_no_trace(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    release = asyncio.Event()
    impatient = Sqlite(make_url(f"sqlite:///{tmp_path / 'mechshare.db'}?timeout=0.1"))

    async def hold() -> None:
        async with impatient.begin() as connection:
            await connection.execute(INSERT, {"id": 1, "content": ""})
            await release.wait()

    async def wait_in_vain() -> None:
        try:
            await insert(impatient, 2)
        finally:
            release.set()

    assert await outcomes(hold(), wait_in_vain()) == [None, Busy]
    await impatient.close()
    assert await stored(sqlite) == [1]


@pytest.mark.parametrize("steps", range(6))
async def test_units_that_are_cancelled_together_with_their_transaction_fail_in_no_other_way(
    sqlite: Sqlite, steps: int
) -> None:
    """As the end of an event loop cancels all tasks at once; here some steps after the second unit got its turn."""
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with sqlite.begin():
            held.set()
            await release.wait()

    others = asyncio.all_tasks()
    units = [asyncio.create_task(hold()), asyncio.create_task(insert(sqlite, 1))]
    async with bounded():
        await held.wait()
        if steps:
            release.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        begun = asyncio.all_tasks() - others
        for task in begun:
            task.cancel()
        await asyncio.wait(begun)
    assert [unit.exception() for unit in units if not unit.cancelled()] in ([], [None], [None, None])
