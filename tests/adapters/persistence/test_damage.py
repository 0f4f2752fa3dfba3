"""The file of an SQLite database is damaged or lost under a running process, which says so and makes no other."""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.domain.damage import DatabaseDamaged, DatabaseReplaced

PAGE = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mechshare.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[SqlDatabase]:
    opened = SqlDatabase(f"sqlite:///{file}")
    await opened.migrate()
    yield opened
    await opened.close()


def damage_users(file: Path) -> None:
    """Overwrites the first page of the table `users` and of each of its indexes, past the log."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'users'").fetchall()
    connection.close()
    with file.open("r+b") as raw:
        for (page,) in pages:
            raw.seek((page - 1) * PAGE)
            raw.write(b"\xa5" * PAGE)


async def count_users(database: SqlDatabase) -> None:
    async with database.read() as tx:
        await tx.users.find_by_login("nobody")


async def test_a_damaged_page_is_reported_and_ends_readiness(database: SqlDatabase, file: Path) -> None:
    await database.close()  # other connections would have the page in memory
    damage_users(file)
    assert "SQLite" in await database.check()
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(DatabaseDamaged):
                await count_users(database)
    assert [one["event"] for one in logs] == ["database_damaged"]
    assert str(file) in logs[0]["database"]
    with pytest.raises(DatabaseDamaged):
        await database.check()

    with pytest.raises(DatabaseDamaged) as found:
        await SqlDatabase(f"sqlite:///{file}").verify()
    assert "page" in str(found.value.__cause__).lower()


async def test_a_whole_database_is_verified(database: SqlDatabase) -> None:
    assert "checked whole" in await database.verify()


async def test_a_file_that_is_no_database_is_damaged(file: Path) -> None:
    file.write_bytes(b"not a database" * 1_000)
    with pytest.raises(DatabaseDamaged):
        await SqlDatabase(f"sqlite:///{file}").migrate()


def delete(file: Path) -> None:
    file.rename(file.with_suffix(".away"))


def replace(file: Path) -> None:
    os.link(file, file.with_suffix(".away"))
    other = file.with_suffix(".other")
    sqlite3.connect(other).execute("CREATE TABLE users (id)").connection.close()
    other.rename(file)


@pytest.mark.parametrize("lose", [delete, replace], ids=lambda lose: lose.__name__)
async def test_a_lost_file_is_refused_until_it_is_back(
    database: SqlDatabase, file: Path, lose: Callable[[Path], None]
) -> None:
    await count_users(database)
    lose(file)
    listed = sorted(path.name for path in file.parent.iterdir())
    with capture_logs() as logs:
        with pytest.raises(DatabaseReplaced):
            await count_users(database)
        with pytest.raises(DatabaseReplaced):
            await database.check()
        with pytest.raises(DatabaseReplaced):
            await database.migrate()
        with pytest.raises(DatabaseReplaced):
            async with database.begin():
                pass
    assert [one["event"] for one in logs] == ["database_replaced"]
    assert sorted(path.name for path in file.parent.iterdir()) == listed

    file.with_suffix(".away").rename(file)
    await count_users(database)


async def test_an_emptied_file_is_refused(database: SqlDatabase, file: Path) -> None:
    os.truncate(file, 0)
    with pytest.raises(DatabaseReplaced):
        await count_users(database)


async def test_a_process_that_starts_makes_no_second_database(database: SqlDatabase, file: Path) -> None:
    await count_users(database)
    file.rename(file.with_suffix(".away"))
    late = SqlDatabase(f"sqlite:///{file}")
    with pytest.raises(DatabaseReplaced):
        await late.migrate()
    with pytest.raises(DatabaseReplaced):
        await late.verify()
    assert not file.exists()
    await late.close()
