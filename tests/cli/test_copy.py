"""`mechshare copy`: an installation is moved to other stores, and back."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.blobs import blob_key
from mechshare.domain.jobs import JobState
from mechshare.domain.pagination import PageRequest
from mechshare.entrypoints.cli.context import open_application
from mechshare.entrypoints.cli.main import cli
from mechshare.setting_values import SettingsError
from mechshare.settings import Settings
from tests.adapters.persistence.filling import fill, stands_in
from tests.cli.conftest import Run
from tests.killed import kill
from tests.object_storage import KEYS, new_bucket, shared_moto
from tests.servers import address, new_container, opensearch_alias, postgresql_database

CLIPS = 150
CLIP = 100_000


def database_at(folder: Path) -> str:
    return f"sqlite:///{folder / 'mechshare.db'}"


def blobs_at(folder: Path) -> str:
    return f"file://{folder / 'blobs'}"


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".incoming" not in path.parts
    }


@pytest.fixture
def laptop(chosen: Settings) -> Path:
    """The folder of an installation with rows in every table, and clips."""

    async def make() -> None:
        await fill(chosen.database_url, 30)
        store = FileBlobStore(chosen.data / "blobs")
        await store.prepare()
        for number in range(CLIPS):
            await store.write(f"originals/{number}.gif", pieces(number))

    async def pieces(number: int):  # type: ignore[no-untyped-def]
        yield bytes([number]) * CLIP

    asyncio.run(make())
    (chosen.data / "secret.key").write_text("s" * 32)
    return chosen.data


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


def without_leases(database: str) -> dict[str, list[object]]:
    return {table: rows for table, rows in stands_in(database).items() if table != "jobs"}  # type: ignore[misc]


def test_everything_is_copied_and_the_next_steps_are_printed(run: Run, laptop: Path, elsewhere: Path) -> None:
    result = run("copy", "--to", database_at(elsewhere), "--to", blobs_at(elsewhere))

    assert result.exit_code == 0, result.output
    assert without_leases(database_at(elsewhere)) == without_leases(database_at(laptop))
    assert files_in(elsewhere / "blobs") == files_in(laptop / "blobs")
    assert f"{CLIPS} copied and verified, 0 existed with equal content, {CLIPS * CLIP} bytes" in result.output
    assert "locked until the copy ends" in result.output
    assert f"export MECHSHARE_DATABASE_URL={database_at(elsewhere)}" in result.output
    assert f"export MECHSHARE_BLOBS_URL={blobs_at(elsewhere)}" in result.output
    secret = laptop / "secret.key"
    assert f'export MECHSHARE_SECRET="$(cat {secret})"   # the source\'s' in result.output
    assert "mechshare reindex" in result.output


def test_a_second_copy_changes_nothing(run: Run, laptop: Path, elsewhere: Path) -> None:
    arguments = ("copy", "--to", database_at(elsewhere), "--to", blobs_at(elsewhere))
    run(*arguments)
    before = stands_in(database_at(elsewhere))
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert f"0 copied and verified, {CLIPS} existed with equal content" in result.output
    assert stands_in(database_at(elsewhere)) == before


def test_an_installation_can_be_copied_back(run: Run, laptop: Path, elsewhere: Path, tmp_path: Path) -> None:
    back = tmp_path / "back"
    run("copy", "--to", database_at(elsewhere), "--to", blobs_at(elsewhere))
    result = run(
        *("copy", "--from", database_at(elsewhere), "--from", blobs_at(elsewhere)),
        *("--to", database_at(back), "--to", blobs_at(back)),
    )
    assert result.exit_code == 0, result.output
    assert "export MECHSHARE_SECRET=...   # the source's" in result.output
    assert stands_in(database_at(back)) == stands_in(database_at(elsewhere))
    assert files_in(back / "blobs") == files_in(laptop / "blobs")


def test_blobs_can_be_copied_without_the_database(run: Run, laptop: Path, elsewhere: Path) -> None:
    result = run("copy", "--to", blobs_at(elsewhere))
    assert result.exit_code == 0, result.output
    assert "stop every server and worker that uses it" in result.output
    assert "MECHSHARE_DATABASE_URL" not in result.output
    assert not (elsewhere / "mechshare.db").exists()
    assert files_in(elsewhere / "blobs") == files_in(laptop / "blobs")


def test_an_empty_source_prints_a_warning(run: Run, elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    result = run("copy", "--from", f"file://{tmp_path / 'other'}", "--to", blobs_at(elsewhere))
    assert "has no blobs: check its URL" in result.output


def test_a_missing_source_is_refused(run: Run, elsewhere: Path, tmp_path: Path) -> None:
    result = run("copy", "--from", f"file://{tmp_path / 'mistyped'}", "--to", blobs_at(elsewhere))
    assert result.exit_code == 1
    assert "No such file or directory" in result.output
    assert "mistyped" in result.output


@pytest.fixture
def killed(laptop: Path, elsewhere: Path) -> int:
    """Kills a copy in the middle; returns the number of files that it had written."""
    to = ("--to", database_at(elsewhere), "--to", blobs_at(elsewhere))
    kill(elsewhere, "*.gif", "copy", *to, MECHSHARE_DATA=str(laptop))
    return len(files_in(elsewhere / "blobs"))


def test_a_killed_copy_resumes_with_the_same_result(
    run: Run, laptop: Path, elsewhere: Path, killed: int
) -> None:
    result = run("copy", "--to", database_at(elsewhere), "--to", blobs_at(elsewhere))

    assert 0 < killed < CLIPS
    assert result.exit_code == 0, result.output
    assert f"{CLIPS - killed} copied and verified, {killed} existed with equal content" in result.output
    assert without_leases(database_at(elsewhere)) == without_leases(database_at(laptop))
    assert files_in(elsewhere / "blobs") == files_in(laptop / "blobs")


def test_a_source_in_use_is_refused(run: Run, laptop: Path, elsewhere: Path) -> None:
    user = sqlite3.connect(laptop / "mechshare.db")
    user.execute("SELECT count(*) FROM users").fetchall()
    result = run(
        *("copy", "--from", database_at(laptop) + "?timeout=0.2"),
        *("--to", database_at(elsewhere), "--to", blobs_at(elsewhere)),
    )
    user.close()
    assert result.exit_code == 1
    assert "The source is in use" in result.output
    assert "Stop every 'mechshare serve' and 'mechshare worker'" in result.output
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "redis://localhost/0"], "'redis://localhost/0' is not a database (sqlite:, postgresql:)"),
        (["--to", "postgresq://u:secret@h/x"], "postgresq://u:***@h/x"),
        (["--to", "sqlite:////a.db", "--to", "postgresql://h/x"], "--to names two stores for database"),
        (
            ["--from", "file:///a", "--to", "sqlite:////x.db"],
            "--from names blobs but there is no --to for it",
        ),
        (["--from", "sqlite:////x.db", "--to", "sqlite:////x.db"], "--from and --to are the same"),
        (["--from", "opensearch://h", "--to", "file:///a"], "rebuilt from the database"),
        ([], "Name the store to copy to: --to URL, or MECHSHARE_COPY_TO_DATABASE_URL"),
    ],
    ids=["scheme", "misspelt", "twice", "needless", "same", "index", "nowhere"],
)
def test_inconsistent_arguments_are_refused(run: Run, arguments: list[str], message: str) -> None:
    result = run("copy", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "sqlite:///:memory:"], "The URL copied to must be sqlite:///relative"),
        (["--to", "file:relative?"], "The URL copied to must be file:///absolute"),
        (["--from", "file:relative?", "--to", "file:///x"], "The URL copied from must be file:///absolute"),
    ],
    ids=["memory", "files", "source"],
)
def test_an_invalid_url_is_refused_with_the_expected_form(
    run: Run, arguments: list[str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        run("copy", *arguments)


async def test_copying_to_a_server_does_not_show_its_password(
    run: Run, laptop: Path, elsewhere: Path
) -> None:
    async with postgresql_database(migrated=False) as url:
        named = url.replace("mechshare@", "mechshare:hush@")
        result = await asyncio.to_thread(run, "copy", "--to", named, "--to", blobs_at(elsewhere))
        assert result.exit_code == 0, result.output
        assert "hush" not in result.output
        assert "mechshare:***@" in result.output
        assert without_leases(url) == without_leases(database_at(laptop))


async def test_a_search_url_builds_the_index(run: Run, laptop: Path, elsewhere: Path) -> None:
    async with opensearch_alias() as index:
        result = await asyncio.to_thread(run, "copy", "--to", database_at(elsewhere), "--to", index)
        assert result.exit_code == 0, result.output
        assert "the index holds 30 mechanisms" in result.output
        assert f"export MECHSHARE_SEARCH_URL={index}" in result.output


async def test_a_copied_installation_works(run: Run, chosen: Settings, clips: Path, elsewhere: Path) -> None:
    password = "correct horse battery"
    await asyncio.to_thread(
        run, "users", "create-admin", "admin", "a@example.com", typed=f"{password}\n{password}\n"
    )
    await asyncio.to_thread(run, "import", clips / "slider_crank.gif", "--as", "admin", "--publish")
    async with postgresql_database(migrated=False) as url:
        result = await asyncio.to_thread(run, "copy", "--to", url, "--to", blobs_at(elsewhere))
        assert result.exit_code == 0, result.output

        there = replace(chosen, data=elsewhere, database_url=url, blobs_url=blobs_at(elsewhere))
        there = replace(there, search_url=f"sqlite:///{elsewhere / 'search.db'}")
        async with open_application(there) as application:
            tokens = await application.sessions.login("admin", password, RequestMetadata())
            while await application.runner.run_one():
                pass
            await application.search.reindex()
            (found,) = (await application.search.search(None, "slider crank")).items
            key = blob_key(found.found.mechanism.file_url or "")
            assert key is not None
            stored = await application.media.find_media(None, key)
            video = b"".join([chunk async for chunk in application.media.read(stored, 0, stored.size)])
            states = {job.state for job in (await application.jobs.find_all(PageRequest())).items}

    assert tokens.access_token
    assert video[4:8] == b"ftyp"
    assert states == {JobState.DONE}


def check_copy_and_back(there: Settings, url: str, laptop: Path, tmp_path: Path) -> None:
    """Copies the clips of the laptop to `url`, whose options `there` has, and from there to another folder."""
    for source, destination in ((blobs_at(laptop), url), (url, blobs_at(tmp_path / "back"))):
        arguments = ["copy", "--from", source, "--to", destination]
        result = CliRunner().invoke(cli, arguments, obj=there)
        assert result.exit_code == 0, result.output
        assert f"{CLIPS} copied and verified" in result.output
    assert files_in(tmp_path / "back" / "blobs") == files_in(laptop / "blobs")


def test_an_installation_is_copied_to_azure_and_back(chosen: Settings, laptop: Path, tmp_path: Path) -> None:
    options = {"connection_string": address("AZURE_CONNECTION_STRING")}
    there = replace(chosen, options={"blobs": options})
    check_copy_and_back(there, f"azure:///{new_container()}", laptop, tmp_path)


def test_an_installation_is_copied_to_s3_and_back(chosen: Settings, laptop: Path, tmp_path: Path) -> None:
    there = replace(chosen, options={"blobs": {"endpoint": shared_moto().endpoint, **KEYS}})
    check_copy_and_back(there, f"s3://{new_bucket()}/clips", laptop, tmp_path)
