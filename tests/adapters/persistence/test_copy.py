"""Copying a database: exact, resumable, and never into the database of another installation."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.persistence.sql.maintenance.copy import sql_copy
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import Unavailable
from mechshare.ports.persistence.copy import TableCopied
from mechshare.testing.persistence.values import NOW, a_category
from tests.adapters.persistence.filling import ODD_JSON, connected, fill, rows_of, stands_in, uuid
from tests.servers import postgresql_database

ROWS = 1234
"""More than one batch, and not a multiple of the batch size."""
PAIRS = [
    ("sqlite", "sqlite"),
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
]
COPY_UNTIL = """
import asyncio, os, signal, sys
from mechshare.adapters.persistence.sql.maintenance.copy import sql_copy

async def main():
    left = int(sys.argv[3])
    def progress(more):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    async with sql_copy(sys.argv[1], sys.argv[2]) as copy:
        await copy.prepare()
        await copy.copy(progress)
        await copy.verify(progress)

asyncio.run(main())
"""


@pytest.fixture(params=PAIRS, ids="-to-".join)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The URLs of two databases without a schema."""
    async with AsyncExitStack() as stack:
        urls = []
        for number, kind in enumerate(request.param):
            if kind == "sqlite":
                urls.append(f"sqlite:///{tmp_path / f'{number}.db'}?timeout=3")
            else:
                urls.append(await stack.enter_async_context(postgresql_database(migrated=False)))
        yield urls[0], urls[1]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path / 'old.db'}", f"sqlite:///{tmp_path / 'new.db'}"


async def copied(source: str, destination: str) -> dict[str, TableCopied]:
    async with sql_copy(source, destination) as copy:
        totals = await copy.prepare()
        await copy.copy(lambda more: None)
        tables = {table.table: table for table in await copy.verify(lambda more: None)}
    assert {name: table.rows for name, table in tables.items()} == totals
    return tables


def expected(source: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Returns the expected content of the destination: running jobs are queued there, without a lease."""
    names = list(metadata.tables["jobs"].columns.keys())
    jobs = []
    for row in source["jobs"]:
        job = dict(zip(names, row, strict=True))
        if job["state"] == "running":
            job |= {"state": "queued", "lease_until": None}
        jobs.append(tuple(job.values()))
    return {**source, "jobs": sorted(jobs, key=repr)}


async def test_all_rows_are_copied_exactly(pair: tuple[str, str]) -> None:
    source, destination = pair
    await fill(source, 20, large=ROWS)

    tables = await copied(source, destination)

    there = stands_in(destination)
    assert there == expected(stands_in(source))
    assert ODD_JSON in {value for row in there["mechanisms"] for value in row}
    assert len(there["jobs"]) == ROWS
    assert "running" not in {value for row in there["jobs"] for value in row}
    assert {table.resumed for table in tables.values()} == {0}


@pytest.mark.parametrize(
    ("pair", "steps"),
    [*((pair, 9) for pair in PAIRS), (("sqlite", "postgresql"), 0), (("sqlite", "postgresql"), 25)],
    indirect=["pair"],
)
async def test_a_killed_copy_resumes_with_the_same_result(pair: tuple[str, str], steps: int) -> None:
    source, destination = pair
    await fill(source, 20, large=ROWS)

    command = [sys.executable, "-c", COPY_UNTIL, source, destination, str(steps)]
    killed = await asyncio.to_thread(subprocess.run, command, check=False)
    tables = await copied(source, destination)

    assert killed.returncode == -signal.SIGKILL
    assert stands_in(destination) == expected(stands_in(source))
    if steps > 2:
        assert sum(table.resumed for table in tables.values()) > 0


async def test_a_finished_copy_is_recognised(pair: tuple[str, str]) -> None:
    await fill(pair[0], 20)
    first = await copied(*pair)
    again = await copied(*pair)
    assert {table.resumed for table in again.values() if table.rows} == {20, 7}
    assert {name: table.digest for name, table in first.items()} == {
        name: table.digest for name, table in again.items()
    }


async def test_an_empty_installation_is_copied_too(pair: tuple[str, str]) -> None:
    database = SqlDatabase(pair[0])
    await database.migrate()
    await database.close()
    assert {table.rows for table in (await copied(*pair)).values()} == {0}


async def test_the_initial_categories_of_the_destination_are_replaced(pair: tuple[str, str]) -> None:
    await fill(pair[0], 10)
    database = SqlDatabase(pair[1])
    await database.migrate()
    async with database.begin() as tx:
        await tx.categories.save(a_category("gears"))
        await tx.categories.save(a_category("c-1"))
    await database.close()

    await copied(*pair)

    assert stands_in(pair[1]) == expected(stands_in(pair[0]))


@pytest.mark.parametrize(
    "table", ["users", "audit", "receipts", "jobs", "mechanisms", "sessions", "categories"]
)
async def test_a_destination_with_other_rows_is_refused_and_unchanged(
    files: tuple[str, str], table: str
) -> None:
    await fill(files[0], 20)
    await fill(files[1], 20)
    changed = metadata.tables[table]
    column = "created_at" if "created_at" in changed.c else "at"
    with connected(files[1]) as connection:
        connection.execute(update(changed).values({column: NOW}))
    before = stands_in(files[1])

    with pytest.raises(CopyRefused, match=f"'{table}' has .* Copy into an empty database"):
        await copied(*files)

    assert stands_in(files[1]) == before


async def test_a_destination_with_more_rows_is_refused(files: tuple[str, str]) -> None:
    await fill(files[0], 20)
    await fill(files[1], 21)
    with pytest.raises(CopyRefused, match="not from this source"):
        await copied(*files)


async def test_a_source_that_changed_between_two_runs_is_refused(files: tuple[str, str]) -> None:
    await fill(files[0], 20)
    await copied(*files)
    users = metadata.tables["users"]
    with connected(files[0]) as connection:
        connection.execute(update(users).where(users.c.id == uuid(1, 3)).values(bio="changed"))
    with pytest.raises(CopyRefused, match="'users'"):
        await copied(*files)


async def test_verification_finds_a_row_that_changed_after_the_copy(files: tuple[str, str]) -> None:
    await fill(files[0], 20)
    async with sql_copy(*files) as copy:
        await copy.prepare()
        await copy.copy(lambda more: None)
    tokens = metadata.tables["refresh_tokens"]
    with connected(files[1]) as connection:
        connection.execute(update(tokens).where(tokens.c.hash == f"{3:064x}").values(consumed_at=NOW))
    async with sql_copy(*files) as copy:
        with pytest.raises(CopyRefused, match="'refresh_tokens' differs"):
            await copy.verify(lambda more: None)


@pytest.mark.parametrize("side", [0, 1])
async def test_a_database_that_is_in_use_is_refused(pair: tuple[str, str], side: int) -> None:
    for url in pair:
        await fill(url, 3)
    in_use = SqlDatabase(pair[side])
    await in_use.check()
    with pytest.raises(CopyRefused, match=f"The {('source', 'destination')[side]} is in use.*Stop every"):
        await copied(*pair)
    await in_use.close()


async def test_the_source_is_locked_against_writes_during_the_copy(pair: tuple[str, str]) -> None:
    await fill(pair[0], 3)
    users = metadata.tables["users"]
    async with sql_copy(*pair) as copy:
        await copy.prepare()
        late = SqlDatabase(pair[0])
        with pytest.raises(Unavailable):
            async with late.begin() as tx:
                await tx.users.delete(uuid(1, 0))  # type: ignore[arg-type]
        await late.close()
    with connected(pair[0]) as connection:
        assert len(connection.execute(select(users.c.id)).all()) == 3


@pytest.mark.parametrize("side", [0, 1])
async def test_a_server_that_starts_during_the_copy_waits_for_its_end(side: int) -> None:
    async with postgresql_database() as source, postgresql_database() as destination:
        await fill(source, 20, large=ROWS)
        starting = SqlDatabase((source, destination)[side])
        async with sql_copy(source, destination) as copy:
            migrating = asyncio.create_task(starting.migrate())
            await copy.prepare()
            await copy.copy(lambda more: None)
            await copy.verify(lambda more: None)
            assert not migrating.done()
        await migrating
        await starting.close()


async def test_a_missing_source_is_refused_and_not_created(files: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(CopyRefused, match="The source is not there"):
        await copied(*files)
    assert list(tmp_path.iterdir()) == []


async def test_a_source_without_a_schema_is_refused(pair: tuple[str, str]) -> None:
    with connected(pair[0]) as connection:
        connection.exec_driver_sql("CREATE TABLE others (id INTEGER)")
    with pytest.raises(CopyRefused, match="source's schema is at none"):
        await copied(*pair)


async def test_a_destination_with_an_older_schema_is_refused_and_unchanged(pair: tuple[str, str]) -> None:
    for url in pair:
        await fill(url, 3)
    with connected(pair[1]) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    before = stands_in(pair[1])
    with pytest.raises(CopyRefused, match=r"destination's schema is at 0000, .* run 'mechshare migrate'"):
        await copied(*pair)
    assert stands_in(pair[1]) == before


async def test_a_concurrent_write_to_the_destination_is_detected(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'old.db'}"
    await fill(source, 3)
    async with postgresql_database() as destination, sql_copy(source, destination) as copy:
        await copy.prepare()
        with connected(destination) as connection:
            connection.execute(insert(metadata.tables["users"]), rows_of("users", 1))
        with pytest.raises(CopyRefused, match="Another program writes to the destination's table 'users'"):
            await copy.copy(lambda more: None)


async def test_a_row_that_the_destination_rejects_is_reported(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'old.db'}"
    await fill(source, 3)
    with connected(source) as connection:
        connection.execute(update(metadata.tables["audit"]).values(address="a" * 65))
    async with postgresql_database() as destination:
        with pytest.raises(CopyRefused, match="rejected a row of the table 'audit': value too long"):
            await copied(source, destination)


def test_every_table_is_filled() -> None:
    assert [table for table in metadata.tables if not rows_of(table, 1)] == []
