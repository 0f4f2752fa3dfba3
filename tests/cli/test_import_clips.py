"""`mechshare import`"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.media.stub import StubMediaProcessor
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.application import Application
from mechshare.bootstrap import schemes
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli import context
from mechshare.entrypoints.cli.main import cli
from mechshare.ports.media import Derivatives
from mechshare.services.support.drafts import Draft
from mechshare.settings import Settings
from tests.cli.conftest import Run
from tests.cli.test_users import create_admin
from tests.clips import write_clip
from tests.services.faults import FaultyBlobs

CRANK, GEAR = "slider_crank.gif", "歯車.gif"
UNREADABLE = Path("/proc/self/mem")
"""Not readable even by root: reading at its start fails."""


async def actor(application: Application, name: str) -> Actor:
    user = await application.users.find_by_login(name)
    return Actor(id=user.id, role=user.role)


def output_of(run: Run, *arguments: str | Path) -> str:
    return " ".join(run("import", *arguments).output.split())


def mechanisms_of(chosen: Settings, name: str) -> dict[str, Mechanism]:
    """Returns the mechanisms of a user by title."""

    async def command(application: Application) -> dict[str, Mechanism]:
        viewer = await actor(application, name)
        page = await application.mechanisms.find_all(
            viewer, PageRequest(), MechanismFilter(user_id=viewer.id)
        )
        return {item.mechanism.title: item.mechanism for item in page.items}

    return context.run(chosen, command)


def withdraw(chosen: Settings, mechanism: Mechanism, by: str, reason: str | None = None) -> None:
    async def command(application: Application) -> None:
        who = await actor(application, by)
        await application.mechanisms.withdraw(who, mechanism.id, RequestMetadata(), reason=reason)

    context.run(chosen, command)


def share_and_be_interrupted(chosen: Settings, clip: Path, name: str) -> None:
    """Leaves what an import leaves that is killed before the clip is processed."""

    async def content() -> AsyncIterator[bytes]:
        yield clip.read_bytes()

    async def command(application: Application) -> None:
        owner = await actor(application, name)
        original = await application.uploads.receive(owner, content(), clip.name)
        draft = Draft(statement=Statement(title=clip.stem), media=original)
        await application.mechanisms.create_mechanism(owner, draft)

    context.run(chosen, command)


def test_files_are_imported_and_unsupported_ones_are_refused_with_a_reason(run: Run, clips: Path) -> None:
    create_admin(run)
    result = run("import", clips, "--as", "boss", "--category", "gears", "--publish")
    assert "2 added, 0 existed, 1 refused" in result.output
    assert "notes.txt: The format of this file is not supported." in " ".join(result.output.split())
    assert result.exit_code == 1


@pytest.mark.skipif(not UNREADABLE.exists(), reason="there is no file here that nobody can read")
def test_an_unreadable_file_does_not_prevent_the_import_of_others(run: Run, clips: Path) -> None:
    create_admin(run)
    result = run("import", UNREADABLE, clips / CRANK, "--as", "boss")
    output = " ".join(result.output.split())
    assert f"{UNREADABLE}: mem can't be read: Input/output error." in output
    assert "1 added, 0 existed, 1 refused" in output
    assert result.exit_code == 1


class AllAtOnce(StubMediaProcessor):
    """Processes no file before `count` files are processed at a time."""

    def __init__(self, count: int) -> None:
        self._all = asyncio.Barrier(count)

    async def process(self, *file: Any) -> Derivatives:
        async with asyncio.timeout(60):
            await self._all.wait()
        return await super().process(*file)


def test_as_many_files_are_processed_at_a_time_as_the_server_processes_have_slots(
    run: Run, chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_admin(run)
    monkeypatch.setattr("mechshare.bootstrap.adapters.choose_media", lambda: AllAtOnce(6))
    (tmp_path / "files").mkdir()
    for number in range(6):
        write_clip(tmp_path / "files" / f"{number}.gif", [100] * (number + 1))
    several = replace(chosen, workers=3, job_slots=2)

    result = CliRunner().invoke(cli, ["import", str(tmp_path / "files"), "--as", "boss"], obj=several)

    assert "6 added, 0 existed, 0 refused" in result.output


def test_a_second_run_adds_nothing_twice(run: Run, clips: Path) -> None:
    create_admin(run)
    printed = run("import", clips, "--as", "boss", "--json").stdout
    first = json.loads(
        printed[printed.index("{\n") :]
    )  # after log lines, which a real process writes elsewhere
    (clips / "notes.txt").unlink()
    result = run("import", clips, "--as", "boss", "--publish")
    assert (len(first["added"]), first["existing"], first["unpublished"]) == (2, 0, [])
    assert [refused["path"] for refused in first["refused"]] == [str(clips / "notes.txt")]
    assert "0 added, 2 existed, 0 refused" in result.output
    assert result.exit_code == 0


def test_a_clip_that_its_owner_withdrew_stays_withdrawn_and_is_listed(
    run: Run, chosen: Settings, clips: Path
) -> None:
    create_admin(run)
    run("import", clips / CRANK, "--as", "boss", "--publish")
    shared = mechanisms_of(chosen, "boss")["slider crank"]
    withdraw(chosen, shared, by="boss")

    output = output_of(run, clips / CRANK, clips / GEAR, "--as", "boss", "--publish")

    assert "1 added, 1 existed, 0 refused" in output
    assert f"{CRANK}: existed and is not published" in output
    assert f"/api/v1/mechanisms/{shared.id}/publish" in output
    assert f"{GEAR}:" not in output
    published = {title: one.is_published for title, one in mechanisms_of(chosen, "boss").items()}
    assert published == {"slider crank": False, "歯車": True}


def test_unpublished_clips_are_not_listed_without_the_publish_option(run: Run, clips: Path) -> None:
    create_admin(run)
    run("import", clips / CRANK, "--as", "boss")
    assert "not published" not in output_of(run, clips / CRANK, "--as", "boss")


def test_a_clip_that_a_moderator_withdrew_stays_withdrawn(run: Run, chosen: Settings, clips: Path) -> None:
    create_admin(run)
    create_admin(run, "other")
    run("import", clips / CRANK, "--as", "boss", "--publish")
    withdraw(chosen, mechanisms_of(chosen, "boss")["slider crank"], by="other", reason="not a mechanism")

    output = output_of(run, clips / CRANK, "--as", "boss", "--publish")

    assert f"{CRANK}: existed and is not published" in output
    left = mechanisms_of(chosen, "boss")["slider crank"]
    assert (left.is_published, left.withdrawn_reason) == (False, "not a mechanism")


def test_a_clip_withdrawn_before_processing_stays_withdrawn(run: Run, chosen: Settings, clips: Path) -> None:
    create_admin(run)
    create_admin(run, "other")
    share_and_be_interrupted(chosen, clips / CRANK, "boss")
    withdraw(chosen, mechanisms_of(chosen, "boss")["slider_crank"], by="other", reason="not a mechanism")

    output = output_of(run, clips / CRANK, "--as", "boss", "--publish")

    assert f"{CRANK}: existed and is not published" in output
    left = mechanisms_of(chosen, "boss")["slider_crank"]
    assert (left.is_published, left.withdrawn_reason) == (False, "not a mechanism")


@pytest.mark.parametrize("others", [[], [CRANK]], ids=["alone", "behind one that is new"])
def test_clips_of_an_interrupted_import_are_published_by_the_next(
    run: Run, chosen: Settings, clips: Path, others: list[str]
) -> None:
    create_admin(run)
    share_and_be_interrupted(chosen, clips / GEAR, "boss")

    output = output_of(run, *(clips / name for name in (*others, GEAR)), "--as", "boss", "--publish")

    assert f"{len(others)} added, 1 existed, 0 refused" in output
    assert "not published" not in output
    assert all(one.is_published for one in mechanisms_of(chosen, "boss").values())


def test_a_clip_withdrawn_during_an_import_is_not_published_again(
    run: Run, chosen: Settings, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_admin(run)
    share_and_be_interrupted(chosen, clips / CRANK, "boss")
    again = clips / "the same.gif"
    again.write_bytes((clips / CRANK).read_bytes())
    blobs = FaultyBlobs(FileBlobStore(chosen.data / "blobs"))

    async def withdraw_what_is_published() -> None:
        async with context.open_application(chosen) as application:
            page = await application.mechanisms.find_all(None, PageRequest())
            for item in page.items:
                owner = await actor(application, "boss")
                await application.mechanisms.withdraw(owner, item.mechanism.id, RequestMetadata())
            if not page.items:
                blobs.after_write = withdraw_what_is_published

    blobs.after_write = withdraw_what_is_published
    monkeypatch.setitem(schemes.BLOB_STORES, "faulty", lambda url, settings: blobs)
    arguments = ["import", *map(str, (clips / CRANK, clips / GEAR, again)), "--as", "boss", "--publish"]
    there = replace(chosen, blobs_url="faulty:", workers=1)  # one file after the other
    output = " ".join(CliRunner().invoke(cli, arguments, obj=there, catch_exceptions=False).output.split())

    assert "1 added, 2 existed, 0 refused" in output
    assert "the same.gif: existed and is not published" in output
    published = {title: one.is_published for title, one in mechanisms_of(chosen, "boss").items()}
    assert published == {"slider_crank": False, "歯車": True}


class UncertainDatabase:
    """Commits, but once `is_cut` reports a failure, as if the connection broke at the commit."""

    def __init__(self, inner: SqlDatabase) -> None:
        self._inner = inner
        self.is_cut = False

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._inner.begin() as tx:
            yield tx
        if self.is_cut:
            self.is_cut = False
            raise DependencyUnavailable(dependency="database")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_file_is_not_deleted_when_the_commit_is_uncertain(
    run: Run, chosen: Settings, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_admin(run)
    database = UncertainDatabase(SqlDatabase(chosen.database_url))
    blobs = FaultyBlobs(FileBlobStore(chosen.data / "blobs"))

    async def cut() -> None:
        database.is_cut = True

    blobs.after_write = cut
    monkeypatch.setitem(schemes.DATABASES, "cut", lambda url, settings: database)
    monkeypatch.setitem(schemes.BLOB_STORES, "faulty", lambda url, settings: blobs)
    there = replace(chosen, database_url="cut:", blobs_url="faulty:")
    arguments = ["import", str(clips / CRANK), "--as", "boss", "--publish"]
    cut_off = CliRunner().invoke(cli, arguments, obj=there, catch_exceptions=False)
    again = run(*arguments)

    assert "0 added, 0 existed, 1 refused" in cut_off.output
    assert "The database is not responding" in cut_off.output
    assert "0 added, 1 existed, 0 refused" in again.output
    assert mechanisms_of(chosen, "boss")["slider crank"].is_published


def test_imported_and_published_clips_are_indexed(run: Run, clips: Path) -> None:
    create_admin(run)
    run("import", clips / "歯車.gif", "--as", "boss", "--publish")
    assert "the index holds 1 mechanisms" in run("reindex").output


def test_categories_are_found_by_name_or_added(run: Run, chosen: Settings, clips: Path) -> None:
    create_admin(run)
    folder = clips / "ＧＥＡＲＳ"
    folder.mkdir()
    (clips / CRANK).rename(folder / CRANK)
    run("import", clips, "--as", "boss", "--category", "New One", "--category", "カム機構")
    assert mechanisms_of(chosen, "boss")["slider crank"].categories == ("new-one", "cams", "gears")


def test_a_category_that_authors_may_not_add_imports_nothing(run: Run, chosen: Settings, clips: Path) -> None:
    create_admin(run)
    arguments = ["import", str(clips / "歯車.gif"), "--as", "boss", "--category", "no-such"]
    strict = replace(chosen, categories="admins")
    result = CliRunner().invoke(cli, arguments, obj=strict, catch_exceptions=False)
    assert "these do not exist: no-such" in " ".join(result.output.split())
    assert "0 added" in result.output
    assert result.exit_code == 1
    assert [path for path in (chosen.data / "blobs").rglob("*") if path.is_file()] == []
