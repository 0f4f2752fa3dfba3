"""`mechshare backup` and `mechshare restore` as an operator sees them."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.blobs import blob_key
from mechshare.entrypoints.cli.context import open_application
from mechshare.entrypoints.cli.main import cli
from mechshare.settings import Settings
from tests.adapters.persistence.filling import stands_in
from tests.backups import clips_of, fill_with_clips, held_by
from tests.cli.conftest import Run
from tests.killed import kill
from tests.servers import address, new_container, postgresql_database

COUNT = 60
PASSWORD = "correct horse battery"


@pytest.fixture
def laptop(chosen: Settings) -> Path:
    """The folder of an installation with rows in every table, and clips."""
    asyncio.run(fill_with_clips(chosen.database_url, FileBlobStore(chosen.data / "blobs"), COUNT))
    (chosen.data / "secret.key").write_text("a secret of its very own, of 48 characters or so")
    return chosen.data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def wiped(chosen: Settings, tmp_path: Path) -> Settings:
    """The settings of another, empty installation."""
    data = tmp_path / "wiped"
    return replace(
        chosen,
        data=data,
        database_url=f"sqlite:///{data / 'mechshare.db'}",
        blobs_url=f"file://{data / 'blobs'}",
        search_url=f"sqlite:///{data / 'search.db'}",
    )


def run_on(chosen: Settings, *arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments], obj=chosen, catch_exceptions=False)


def without_jobs(database: str) -> dict[str, list[object]]:
    return {table: rows for table, rows in stands_in(database).items() if table != "jobs"}  # type: ignore[misc]


def files_in(folder: Path) -> dict[str, bytes]:
    return asyncio.run(held_by(FileBlobStore(folder / "blobs")))


def clip_in(folder: Path) -> Path:
    return next(iter((folder / "blobs").rglob("*.gif")))


def test_everything_is_backed_up_and_restored(
    run: Run, laptop: Path, folder: Path, chosen: Settings, wiped: Settings
) -> None:
    made = run("backup", folder)
    assert made.exit_code == 0, made.output
    assert f"files: {2 * COUNT} copied and verified, 0 unchanged, 0 removed" in made.output
    assert f"mechshare restore --check {folder}" in made.output

    restored = run_on(wiped, "restore", folder)
    assert restored.exit_code == 0, restored.output
    assert without_jobs(wiped.database_url) == without_jobs(chosen.database_url)
    assert files_in(wiped.data) == files_in(laptop)
    for hint in ("secret.key", "mechshare reindex", "mechshare doctor"):
        assert hint in restored.output


def test_a_folder_may_have_any_name(run: Run, laptop: Path, tmp_path: Path, wiped: Settings) -> None:
    folder = tmp_path / "back%20up ? #1"

    assert run("backup", folder).exit_code == 0
    assert run("backup", folder).exit_code == 0
    restored = json.loads(run_on(wiped, "restore", "--json", folder).output)

    assert (restored["copied"], restored["existing"], restored["others"]) == (2 * COUNT, 0, 0)
    assert {one["resumed"] for one in restored["tables"]} == {0}
    assert files_in(wiped.data) == files_in(laptop)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("back")] == [folder.name]


def test_a_backup_does_not_contain_the_secret(run: Run, laptop: Path, folder: Path) -> None:
    result = run("backup", folder)
    secret = (laptop / "secret.key").read_bytes()
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(contents) > 2 * COUNT
    assert not any(secret in content for content in contents)
    assert "The backup does not contain the secret" in result.output


def test_a_second_backup_copies_nothing(run: Run, laptop: Path, folder: Path) -> None:
    first = json.loads(run("backup", folder, "--json").output)
    again = run("backup", folder)
    assert (first["copied"], first["unchanged"], first["removed"]) == (2 * COUNT, 0, 0)
    assert f"files: 0 copied and verified, {2 * COUNT} unchanged" in again.output


def test_restore_check_reads_everything_and_writes_nothing(
    run: Run, laptop: Path, folder: Path, wiped: Settings
) -> None:
    run("backup", folder)
    shutil.rmtree(laptop)
    whole = run_on(wiped, "restore", "--check", folder)
    checked = json.loads(run_on(wiped, "restore", "--check", "--json", folder).output)
    clip_in(folder).write_bytes(b"altered")
    damaged = run_on(wiped, "restore", "--check", folder)
    assert (whole.exit_code, damaged.exit_code) == (0, 1)
    assert "Backup verified: as of" in whole.output
    assert (checked["files"], checked["missing"], checked["altered"]) == (2 * COUNT, [], [])
    assert "is damaged" in damaged.output
    assert not wiped.data.exists()
    assert not laptop.exists()


def test_a_damaged_backup_is_not_restored(run: Run, laptop: Path, folder: Path, wiped: Settings) -> None:
    run("backup", folder)
    clip_in(folder).write_bytes(b"altered")
    result = run_on(wiped, "restore", folder)
    assert result.exit_code == 1
    assert "nothing was written: the file 'originals/" in result.output
    assert not wiped.data.exists()


def test_an_existing_installation_is_not_overwritten(run: Run, laptop: Path, folder: Path) -> None:
    run("backup", folder)
    (laptop / "blobs" / "newer.gif").write_bytes(b"newer")
    result = run("restore", folder)
    assert result.exit_code == 1
    assert "has 1 files that are not in this backup" in result.output
    assert (laptop / "blobs" / "newer.gif").read_bytes() == b"newer"


def test_keep_files_restores_beside_existing_files(
    run: Run, laptop: Path, folder: Path, chosen: Settings
) -> None:
    before = without_jobs(chosen.database_url)
    run("backup", folder)
    (laptop / "blobs" / "newer.gif").write_bytes(b"newer")
    for path in laptop.glob("mechshare.db*"):
        path.unlink()
    result = run("restore", "--keep-files", folder)
    assert result.exit_code == 0, result.output
    assert f"files: 0 copied and verified, {2 * COUNT} existed with equal content" in result.output
    assert "1 files at the destination are not in the backup" in result.output
    assert without_jobs(chosen.database_url) == before


def test_files_that_the_installation_lost_are_named_and_the_exit_status_is_1(
    run: Run, laptop: Path, folder: Path, wiped: Settings
) -> None:
    lost, altered = clips_of(3)
    store = FileBlobStore(laptop / "blobs")
    asyncio.run(store.delete(lost))
    next(laptop.rglob(altered.rpartition("/")[2])).write_bytes(b"altered")

    result = run("backup", folder)

    assert result.exit_code == 1
    assert (
        f"!! 1 files are missing from the installation and therefore from the backup: {lost}" in result.output
    )
    assert "!! 1 files differ from their recorded SHA-256" in result.output
    assert altered in result.output
    assert run_on(wiped, "restore", folder).exit_code == 0


@pytest.mark.parametrize("command", [["restore"], ["restore", "--check"]])
def test_a_missing_backup_is_reported(run: Run, folder: Path, chosen: Settings, command: list[str]) -> None:
    result = run(*command, folder)
    assert result.exit_code == 1
    assert "contains no backup" in result.output
    assert not folder.exists()
    assert not chosen.data.exists()


def test_a_backup_into_the_data_folder_is_refused(run: Run, laptop: Path) -> None:
    before = files_in(laptop)
    result = run("backup", laptop)
    assert result.exit_code == 1
    assert "is neither empty nor a backup" in result.output
    assert files_in(laptop) == before


def test_a_database_in_memory_is_refused(chosen: Settings, folder: Path) -> None:
    with pytest.raises(Exception, match="must begin with sqlite: or postgresql:"):
        run_on(replace(chosen, database_url="memory:"), "backup", folder)


@pytest.fixture
def killed(laptop: Path, folder: Path) -> int:
    """Kills a backup in the middle; returns the number of files that it had copied."""
    kill(folder, "*.gif", "backup", str(folder), MECHSHARE_DATA=str(laptop))
    return len(files_in(folder))


def test_a_killed_backup_is_recognised_and_resumed(
    run: Run, laptop: Path, folder: Path, killed: int, chosen: Settings, wiped: Settings
) -> None:
    unfinished = run_on(wiped, "restore", folder)
    assert 0 < killed < 2 * COUNT
    assert unfinished.exit_code == 1
    assert f"is incomplete: run 'mechshare backup {folder}' again" in unfinished.output

    again = run("backup", folder)
    assert again.exit_code == 0, again.output
    assert f"files: {2 * COUNT - killed} copied and verified, {killed} unchanged" in again.output
    assert run_on(wiped, "restore", folder).exit_code == 0
    assert without_jobs(wiped.database_url) == without_jobs(chosen.database_url)


def test_a_killed_restore_is_resumed(
    run: Run, laptop: Path, folder: Path, chosen: Settings, wiped: Settings
) -> None:
    run("backup", folder)
    kill(wiped.data, "*.mp4", "restore", str(folder), MECHSHARE_DATA=str(wiped.data))

    assert run_on(wiped, "restore", folder).exit_code == 0
    assert without_jobs(wiped.database_url) == without_jobs(chosen.database_url)
    assert files_in(wiped.data) == files_in(laptop)


async def test_a_laptop_is_restored_to_servers_without_showing_a_password(
    run: Run, laptop: Path, folder: Path, chosen: Settings
) -> None:
    await asyncio.to_thread(run, "backup", folder)
    async with postgresql_database(migrated=False) as url:
        there = replace(
            chosen,
            database_url=url.replace("mechshare@", "mechshare:hush@"),
            blobs_url=f"azure:///{new_container()}",
            options={"blobs": {"connection_string": address("AZURE_CONNECTION_STRING")}},
            cache_url="redis://127.0.0.1:1",
        )
        result = await asyncio.to_thread(run_on, there, "restore", folder)
        assert result.exit_code == 0, result.output
        assert "hush" not in result.output
        assert "mechshare:***@" in result.output
        assert "flushdb" in result.output
        assert without_jobs(url) == without_jobs(chosen.database_url)


async def test_a_restored_installation_works(run: Run, clips: Path, folder: Path, wiped: Settings) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    await asyncio.to_thread(run, "users", "create-admin", "admin", "a@example.com", typed=typed)
    await asyncio.to_thread(run, "import", clips / "slider_crank.gif", "--as", "admin", "--publish")
    await asyncio.to_thread(run, "backup", folder)
    restored = await asyncio.to_thread(run_on, wiped, "restore", folder)
    assert restored.exit_code == 0, restored.output

    async with open_application(wiped) as application:
        tokens = await application.sessions.login("admin", PASSWORD, RequestMetadata())
        while await application.runner.run_one():
            pass
        await application.search.reindex()
        (found,) = (await application.search.search(None, "slider crank")).items
        key = blob_key(found.found.mechanism.file_url or "")
        assert key is not None
        stored = await application.media.find_media(None, key)
        video = b"".join([chunk async for chunk in application.media.read(stored, 0, stored.size)])
    assert tokens.access_token
    assert video[4:8] == b"ftyp"
