"""Snapshots of all rows, taken during writes, and restored."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, delete, insert, update

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.persistence.sql.maintenance.snapshots import SqlSnapshots
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.domain.backups import BackupRefused
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import Unavailable
from mechshare.testing.persistence.values import save_user
from tests.adapters.persistence.filling import connected, fill, rows_of, stands_in, uuid
from tests.backups import clips_of, fill_with_clips
from tests.migrations.test_migrations import config
from tests.servers import SERVER_TIMEOUT, postgresql_database

ROWS = 1234
"""More than one batch, and not a multiple of the batch size."""
USERS = metadata.tables["users"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'source.db'}"
        else:
            yield await stack.enter_async_context(postgresql_database(migrated=False))


@pytest.fixture(params=["sqlite", "postgresql"])
async def destination(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'destination.db'}"
        else:
            yield await stack.enter_async_context(postgresql_database(migrated=False))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept" / "rows.db"


def of(url: str, tmp_path: Path) -> SqlSnapshots:
    return SqlSnapshots(url, tmp_path / "scratch")


def ignore_progress(more: int, total: int) -> None:
    pass


async def restored(rows: Path, destination: str, tmp_path: Path) -> dict[str, list[Any]]:
    async with of(destination, tmp_path).restore(rows) as copy:
        await copy.prepare()
        await copy.copy(lambda more: None)
        await copy.verify(lambda more: None)
    return stands_in(destination)


def without_jobs(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: rows for name, rows in tables.items() if name != "jobs"}


async def test_every_row_is_backed_up_and_restored(
    url: str, destination: str, rows: Path, tmp_path: Path
) -> None:
    await fill(url, 20, large=ROWS)
    reports: list[tuple[int, int]] = []

    snapshot = await of(url, tmp_path).take(rows, lambda *call: reports.append(call))
    again = await restored(rows, destination, tmp_path)

    assert without_jobs(again) == without_jobs(stands_in(url))
    assert len(again["jobs"]) == ROWS
    assert "running" not in {value for row in again["jobs"] for value in row}
    assert {table.table: table.rows for table in snapshot.tables} == {
        name: len(found) for name, found in again.items()
    }
    assert {sum(more for more, _ in reports)} == {total for _, total in reports}
    assert snapshot == await of(url, tmp_path).read(rows)


async def test_concurrent_writes_neither_wait_nor_appear_in_the_snapshot(
    url: str, rows: Path, tmp_path: Path
) -> None:
    await fill(url, 20, large=ROWS)
    before = stands_in(url)
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    written: list[asyncio.Task[Any]] = []

    async def write() -> None:
        with connected(url) as connection:
            for table in ("refresh_tokens", "sessions", "jobs"):
                connection.execute(delete(metadata.tables[table]))
            connection.execute(update(USERS).values(bio="written meanwhile"))
        await save_user(database, "late")

    def progress(more: int, total: int) -> None:
        if more and not written:
            written.append(asyncio.ensure_future(write()))

    snapshot = await of(url, tmp_path).take(rows, progress)
    await written[0]
    await database.close()

    backed_up = stands_in(f"sqlite:///{rows}")
    assert without_jobs(backed_up) == without_jobs(before)
    assert len(backed_up["jobs"]) == ROWS
    assert len(stands_in(url)["users"]) == ROWS + 1
    assert snapshot == await of(url, tmp_path).read(rows)


async def test_the_summary_lists_referenced_blobs_with_their_digests(
    url: str, rows: Path, tmp_path: Path
) -> None:
    clips = await fill_with_clips(url, MemoryBlobStore(), 3)
    summary = await of(url, tmp_path).inspect()
    assert summary.named.keys() == clips.keys()
    for key, digits in summary.named.items():
        assert sha256(clips[key]).hexdigest().startswith(digits)
        assert len(digits) == (64 if key.startswith("originals/") else 32)
    assert (await of(url, tmp_path).take(rows, ignore_progress)).summary == summary


async def test_blobs_of_more_than_one_batch_of_mechanisms_are_listed(url: str, tmp_path: Path) -> None:
    await fill(url, 20, large=ROWS)
    assert len((await of(url, tmp_path).inspect()).named) == ROWS


async def test_the_summary_lists_the_oldest_users(url: str, tmp_path: Path) -> None:
    await fill(url, 20)
    # The lower the number, the later the user was created.
    assert (await of(url, tmp_path).inspect()).oldest_users == tuple(uuid(1, n) for n in range(19, 9, -1))


async def test_inspecting_and_taking_change_nothing(url: str, rows: Path, tmp_path: Path) -> None:
    await fill(url, 5)
    before = stands_in(url)
    await of(url, tmp_path).inspect()
    await of(url, tmp_path).take(rows, ignore_progress)
    assert stands_in(url) == before


async def test_the_snapshot_is_one_file_that_a_read_only_folder_may_hold(
    url: str, rows: Path, tmp_path: Path
) -> None:
    await fill(url, 5)
    snapshot = await of(url, tmp_path).take(rows, ignore_progress)
    assert [path.name for path in rows.parent.iterdir()] == [rows.name]
    before = rows.read_bytes()
    rows.chmod(0o400)
    rows.parent.chmod(0o500)
    try:
        assert await of(url, tmp_path).read(rows) == snapshot
        assert [path.name for path in rows.parent.iterdir()] == [rows.name]
    finally:
        rows.parent.chmod(0o700)
    assert rows.read_bytes() == before


async def test_a_missing_database_is_refused_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="The database is not there"):
        await of(f"sqlite:///{tmp_path / 'none.db'}", tmp_path).inspect()
    assert list(tmp_path.iterdir()) == []


async def test_an_unreachable_server_raises_unavailable(tmp_path: Path) -> None:
    async with postgresql_database(migrated=False) as url:
        pass
    with pytest.raises(Unavailable):
        await of(url, tmp_path).inspect()


async def test_a_database_with_another_schema_is_refused(url: str, tmp_path: Path) -> None:
    await fill(url, 3)
    with connected(url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(BackupRefused, match="database's schema is at 0000"):
        await of(url, tmp_path).inspect()


async def test_restoring_into_a_database_with_other_rows_is_refused(
    destination: str, rows: Path, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    await fill(source, 5)
    await of(source, tmp_path).take(rows, ignore_progress)
    database = SqlDatabase(destination, timeout=SERVER_TIMEOUT)
    await database.migrate()
    await database.close()
    with connected(destination) as connection:
        connection.execute(insert(USERS), rows_of("users", 7)[6:])
    before = stands_in(destination)
    with pytest.raises(CopyRefused, match="not from this source"):
        await restored(rows, destination, tmp_path)
    assert stands_in(destination) == before


def test_the_first_schema_can_be_created(tmp_path: Path) -> None:
    """The next test relies on it."""
    old = tmp_path / "old.db"
    _at_first_schema(old)
    with sqlite3.connect(old) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    connection.close()


async def test_rows_of_an_older_schema_are_migrated(destination: str, rows: Path, tmp_path: Path) -> None:
    _at_first_schema(rows)
    (key, _), _ = clips_of(0).items()
    with sqlite3.connect(rows) as connection:
        user = (uuid(1, 0), "ann", "ann@example.com", "Ann", "", "user", 1, 1, 1)
        connection.execute(
            "INSERT INTO users (id, username, email, display_name, bio, role, created_at, updated_at, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            user,
        )
        original = f'{{"key":"{key}","format":"gif","size":1,"sha256":"{"0" * 64}","name":"a"}}'
        connection.execute(
            "INSERT INTO mechanisms (id, user_id, title, description, created_at, updated_at, is_published,"
            " processing_state, original, version) VALUES (?, ?, 'x', '', 1, 1, 0, 'pending', ?, 1)",
            (uuid(2, 0), uuid(1, 0), original),
        )
    connection.close()
    before = rows.read_bytes()

    snapshot = await of(destination, tmp_path).read(rows)
    again = await restored(rows, destination, tmp_path)

    assert snapshot.tables == ()
    assert snapshot.summary.named == {key: "0" * 64}
    assert [len(again["users"]), len(again["mechanisms"])] == [1, 1]
    assert key in {value for row in again["mechanisms"] for value in row}
    assert rows.read_bytes() == before
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_rows_of_a_later_schema_are_refused(destination: str, rows: Path, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    await fill(source, 3)
    await of(source, tmp_path).take(rows, ignore_progress)
    with sqlite3.connect(rows) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(BackupRefused, match="made by a newer mechshare"):
        await of(destination, tmp_path).read(rows)


def _at_first_schema(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        chosen = config()
        chosen.attributes["connection"] = connection
        command.upgrade(chosen, "0001")
    engine.dispose()
