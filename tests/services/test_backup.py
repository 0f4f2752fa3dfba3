"""Backup of an installation that changes meanwhile, and restore: every referenced file, or an error."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from mechshare.adapters.backups.folders import FolderBackup
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.disks.memory import MemoryDisks
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.persistence.sql.maintenance.snapshots import SqlSnapshots
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.domain.backups import BackupRefused, Manifest, Snapshot
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import DependencyUnavailable, Unavailable
from mechshare.services.maintenance.backup import BackedUp, BackupService
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.restore import Restored, RestoreService
from tests.adapters.persistence.filling import connected, rows_of, stands_in, uuid
from tests.backups import chunks, clips_of, delete_clip_rows, fill_with_clips, held_by, name_clips
from tests.contracts.harness import open_adapters
from tests.servers import postgresql_database
from tests.services.test_copy import Corrupting

COUNT = 6
KINDS = ["embedded", "servers"]
Happens = Callable[[str], Awaitable[None]]


def ignore_progress(stage: Stage, more: int, total: int) -> None:
    pass


class Watched:
    """A blob store that awaits `happens` before each read."""

    def __init__(self, inner: Any, happens: Happens) -> None:
        self._inner = inner
        self._happens = happens

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        await self._happens(key)
        async for chunk in self._inner.read(key, start, end):
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass
class Eventful:
    """Snapshots that await `before` and `after` around each copy of the rows."""

    inner: Any
    before: Happens | None = None
    after: Happens | None = None
    taken: list[Snapshot] = field(default_factory=list)

    async def take(self, into: Path, progress: Callable[[int, int], None]) -> Snapshot:
        if self.before:
            await self.before(str(len(self.taken)))
        snapshot: Snapshot = await self.inner.take(into, progress)
        self.taken.append(snapshot)
        if self.after:
            await self.after(str(len(self.taken) - 1))
        return snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass(kw_only=True)
class Installation:
    """An installation; `folder` is that of its backup."""

    url: str
    blobs: Any
    folder: Path

    @property
    def backup_blobs(self) -> FileBlobStore:
        return FileBlobStore(self.folder / "blobs")

    @property
    def snapshots(self) -> SqlSnapshots:
        return SqlSnapshots(self.url, self.folder.parent / "scratch")

    async def back_up(self, *, rows: Any = None, blobs: Any = None, backup_blobs: Any = None) -> BackedUp:
        rows, blobs, backup_blobs = (
            rows or self.snapshots,
            blobs or self.blobs,
            backup_blobs or self.backup_blobs,
        )
        service = BackupService(
            rows, blobs, FolderBackup(self.folder), backup_blobs, MemoryDisks(), SystemClock(), "1.0"
        )
        return await service.back_up(ignore_progress)

    async def check(self) -> Manifest:
        return await self._restoring().check(ignore_progress)

    async def restore(self, *, keep_others: bool = False, backup_blobs: Any = None) -> Restored:
        return await self._restoring(backup_blobs).restore(ignore_progress, keep_others=keep_others)

    async def add(self, number: int) -> None:
        """Adds the files first and then the row that refers to them, as mechshare does."""
        for key, content in clips_of(number).items():
            await self.blobs.write(key, chunks(content))
        with connected(self.url) as connection:
            for table in ("users", "mechanisms"):
                connection.execute(insert(metadata.tables[table]), rows_of(table, number + 1)[number:])
        name_clips(self.url, number)

    async def remove(self, number: int) -> None:
        """Deletes the row first and then the files that it referred to, as mechshare does."""
        with connected(self.url) as connection:
            mechanisms = metadata.tables["mechanisms"]
            for key in (key for table in metadata.sorted_tables for key in table.foreign_keys):
                if key.references(mechanisms):
                    connection.execute(delete(key.parent.table).where(key.parent == uuid(2, number)))
            connection.execute(delete(mechanisms).where(mechanisms.c.id == uuid(2, number)))
            delete_clip_rows(connection, number)
        for key in clips_of(number):
            await self.blobs.delete(key)

    def _restoring(self, backup_blobs: Any = None) -> RestoreService:
        return RestoreService(
            self.snapshots, self.blobs, FolderBackup(self.folder), backup_blobs or self.backup_blobs
        )


@asynccontextmanager
async def installed(kind: str, place: Path) -> AsyncIterator[Installation]:
    place.mkdir()
    async with AsyncExitStack() as stack:
        if kind == "embedded":
            url, adapter = f"sqlite:///{place / 'mechshare.db'}", "files"
        else:
            url, adapter = await stack.enter_async_context(postgresql_database(migrated=False)), "azure"
        blobs = await stack.enter_async_context(open_adapters["blobs"][adapter](place))
        yield Installation(url=url, blobs=blobs, folder=place.parent / "backup")


@pytest.fixture(params=KINDS)
async def installation(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(request.param, tmp_path / "source") as made:
        await fill_with_clips(made.url, made.blobs, COUNT)
        yield made


@pytest.fixture(params=KINDS)
async def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Installation]:
    """Opens an empty installation to restore into."""
    async with installed(request.param, tmp_path / "elsewhere") as made:
        yield made


@pytest.fixture
async def laptop(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed("embedded", tmp_path / "laptop") as made:
        await fill_with_clips(made.url, made.blobs, COUNT)
        yield made


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed("embedded", tmp_path / "empty") as made:
        yield made


def without_jobs(url: str) -> dict[str, list[Any]]:
    return {name: rows for name, rows in stands_in(url).items() if name != "jobs"}


def named_in(url: str) -> set[str]:
    """Returns the keys of all files that the mechanisms in this database refer to."""
    there = {row[0] for row in stands_in(url)["mechanisms"]}
    numbers = (n for n in range(100) if uuid(2, n) in there)
    return {key for number in numbers for key in clips_of(number)}


async def assert_whole(installation: Installation) -> None:
    """Asserts that every mechanism has its clips, with the right content."""
    lock = await held_by(installation.blobs)
    wanted = {key: content for n in range(100) for key, content in clips_of(n).items()}
    assert named_in(installation.url) <= lock.keys()
    assert {key: wanted[key] for key in lock} == lock


def flip(path: Path, offset: int = 7) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def clip_in(folder: Path) -> Path:
    """Returns the path of one of a backup's files."""
    return next(path for path in sorted((folder / "blobs").rglob("*.mp4")))


def rows_in(folder: Path) -> Path:
    (path,) = folder.glob("mechshare-*.db")
    return path


async def test_everything_is_restored_from_and_into_every_adapter(
    installation: Installation, elsewhere: Installation
) -> None:
    made = await installation.back_up()
    restored = await elsewhere.restore()

    assert without_jobs(elsewhere.url) == without_jobs(installation.url)
    assert await held_by(elsewhere.blobs) == await held_by(installation.blobs)
    assert {table.table: table.digest for table in restored.tables} == {
        table.table: table.digest for table in made.manifest.tables
    }
    assert (made.copied, restored.copied, restored.others) == (2 * COUNT, 2 * COUNT, 0)
    assert (made.manifest.missing, made.manifest.altered) == ((), ())
    assert await elsewhere.check() == made.manifest


async def test_a_second_backup_copies_new_files_and_removes_deleted_ones(
    installation: Installation,
) -> None:
    await installation.back_up()
    same = await installation.back_up()
    await installation.add(20)
    await installation.remove(0)
    await installation.remove(1)

    after = await installation.back_up()

    assert (same.copied, same.removed) == (0, 0)
    assert (after.copied, after.removed) == (2, 4)
    assert await held_by(installation.backup_blobs) == await held_by(installation.blobs)
    assert await installation.check() == after.manifest


async def test_files_deleted_during_the_copy_are_not_in_the_backup(
    installation: Installation, elsewhere: Installation
) -> None:
    key, made = clips_of(3)

    async def happens(read: str) -> None:
        if read == key:
            await installation.remove(3)

    done = await installation.back_up(blobs=Watched(installation.blobs, happens))
    await elsewhere.restore()

    assert not {key, made} & {blob.key for blob in done.manifest.blobs}
    assert done.manifest.missing == ()
    assert without_jobs(elsewhere.url) == without_jobs(installation.url)
    await assert_whole(elsewhere)


async def test_files_added_during_the_copy_are_in_it(
    installation: Installation, elsewhere: Installation
) -> None:
    async def happens(number: str) -> None:
        await installation.add(20)

    await installation.back_up(rows=Eventful(installation.snapshots, before=happens))
    await elsewhere.restore()

    assert without_jobs(elsewhere.url) == without_jobs(installation.url)
    assert {*clips_of(20)} <= (await held_by(elsewhere.blobs)).keys()
    await assert_whole(elsewhere)


async def test_rows_are_copied_again_when_their_files_were_deleted_meanwhile(
    installation: Installation, elsewhere: Installation
) -> None:
    async def come(number: str) -> None:
        if number == "0":
            await installation.add(20)

    async def go(number: str) -> None:
        if number == "0":
            await installation.remove(20)

    rows = Eventful(installation.snapshots, before=come, after=go)
    done = await installation.back_up(rows=rows)
    await elsewhere.restore()

    assert len(rows.taken) == 2
    assert done.manifest.missing == ()
    assert without_jobs(elsewhere.url) == without_jobs(installation.url)
    await assert_whole(elsewhere)


async def test_the_last_backup_stays_if_clips_are_deleted_too_fast(laptop: Installation) -> None:
    first = await laptop.back_up()

    async def come(number: str) -> None:
        await laptop.add(20 + int(number))

    async def go(number: str) -> None:
        await laptop.remove(20 + int(number))

    rows = Eventful(laptop.snapshots, before=come, after=go)
    with pytest.raises(BackupRefused, match=r"deleted faster .* run the command again"):
        await laptop.back_up(rows=rows)

    assert len(rows.taken) == 5
    assert await laptop.check() == first.manifest
    assert (await laptop.back_up()).copied == 0


async def test_orphans_are_not_in_the_backup(laptop: Installation) -> None:
    await laptop.blobs.write("originals/under-way.gif", chunks(b"GIF89a"))
    await laptop.back_up()
    assert "originals/under-way.gif" not in await held_by(laptop.backup_blobs)


async def test_missing_files_are_listed_and_the_rest_is_backed_up(
    installation: Installation, elsewhere: Installation
) -> None:
    lost, _ = clips_of(3)
    await installation.blobs.delete(lost)

    rows = Eventful(installation.snapshots)
    done = await installation.back_up(rows=rows)
    await elsewhere.restore()

    assert done.manifest.missing == (lost,)
    assert len(rows.taken) == 1
    assert without_jobs(elsewhere.url) == without_jobs(installation.url)
    assert len(await held_by(elsewhere.blobs)) == 2 * COUNT - 1


async def test_altered_files_are_listed_and_backed_up_as_they_are(
    laptop: Installation, empty: Installation
) -> None:
    altered = clips_of(3)
    for key in altered:
        await laptop.blobs.write(key, chunks(b"something else"))

    done = await laptop.back_up()
    await empty.restore()

    assert done.manifest.altered == tuple(sorted(altered))
    assert {(await held_by(empty.blobs))[key] for key in altered} == {b"something else"}


async def test_a_file_lost_or_altered_later_stays_intact_in_the_backup(laptop: Installation) -> None:
    lost, altered = clips_of(3)
    await laptop.back_up()
    await laptop.blobs.delete(lost)
    await laptop.blobs.write(altered, chunks(b"something else"))

    done = await laptop.back_up()

    assert (done.copied, done.removed, done.manifest.missing, done.manifest.altered) == (0, 0, (), ())
    lock = await held_by(laptop.backup_blobs)
    assert {key: lock[key] for key in (lost, altered)} == clips_of(3)


async def test_the_next_backup_replaces_a_damaged_file(laptop: Installation) -> None:
    await laptop.back_up()
    flip(clip_in(laptop.folder))
    with pytest.raises(BackupRefused, match="damaged"):
        await laptop.check()
    assert (await laptop.back_up()).copied == 1
    await laptop.check()


async def test_the_next_backup_replaces_damaged_rows(laptop: Installation) -> None:
    await laptop.back_up()
    rows_in(laptop.folder).write_bytes(b"")
    assert (await laptop.back_up()).copied == 0
    await laptop.check()


def lose(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("chosen", "harm", "message"),
    [
        (clip_in, flip, r"the file 'media/.*' is damaged"),
        (clip_in, lose, r"the file 'media/.*' is missing"),
        (rows_in, flip, r"the rows in .* are damaged"),
        (rows_in, lambda path: flip(path, -1), r"the rows in .* are damaged"),
        (rows_in, lose, r"the rows in .* are missing"),
    ],
    ids=["clip flipped", "clip lost", "rows flipped", "end of rows flipped", "rows lost"],
)
async def test_damage_is_found_before_anything_is_written(
    laptop: Installation,
    empty: Installation,
    chosen: Callable[[Path], Path],
    harm: Callable[[Path], None],
    message: str,
) -> None:
    await laptop.back_up()
    harm(chosen(laptop.folder))

    for refused in (empty.check, empty.restore):
        with pytest.raises(BackupRefused, match=f"nothing was written: .*{message}"):
            await refused()

    place = Path(empty.url.removeprefix("sqlite:///")).parent
    assert [path for path in place.rglob("*") if path.is_file()] == []


async def test_only_the_first_of_many_damages_are_listed(laptop: Installation) -> None:
    await laptop.back_up()
    for path in (laptop.folder / "blobs").rglob("*.*"):
        if path.is_file():
            flip(path)
    with pytest.raises(BackupRefused, match=r"and 2 more\. Use another copy"):
        await laptop.check()


async def test_a_manifest_that_contradicts_the_rows_is_found(
    laptop: Installation, empty: Installation
) -> None:
    manifest = (await laptop.back_up()).manifest
    folder = FolderBackup(laptop.folder)
    users = next(table for table in manifest.tables if table.table == "users")
    others = tuple(table for table in manifest.tables if table != users)
    for wrong, message in (
        (replace(manifest, tables=(*others, replace(users, rows=7))), "the rows differ from the manifest"),
        (replace(manifest, blobs=manifest.blobs[1:]), "is not in the manifest"),
    ):
        async with folder.lock(is_writing=True):
            await folder.finish(wrong)
        with pytest.raises(BackupRefused, match=message):
            await empty.restore()
    assert not Path(empty.url.removeprefix("sqlite:///")).exists()


async def test_the_backup_of_another_installation_is_not_overwritten(
    laptop: Installation, empty: Installation, tmp_path: Path
) -> None:
    first = await laptop.back_up()
    database = SqlDatabase(empty.url)
    await database.migrate()
    await database.close()
    with pytest.raises(BackupRefused, match="another installation"):
        await empty.back_up()
    assert await laptop.check() == first.manifest


async def test_an_outage_of_the_store_keeps_the_last_backup_and_the_next_resumes(
    installation: Installation,
) -> None:
    first = await installation.back_up()
    for number in (20, 21, 22):
        await installation.add(number)
    read: list[str] = []

    async def happens(key: str) -> None:
        read.append(key)
        if len(read) > 4:
            raise DependencyUnavailable(dependency="blob store")

    with pytest.raises(Unavailable):
        await installation.back_up(blobs=Watched(installation.blobs, happens))
    assert (await installation.check()).rows == first.manifest.rows
    assert 0 < (await installation.back_up()).copied < 6
    await installation.check()


async def test_a_disk_that_stores_wrong_bytes_is_detected(laptop: Installation) -> None:
    with pytest.raises(BackupRefused, match="read back with other content"):
        await laptop.back_up(backup_blobs=Corrupting(laptop.backup_blobs))  # type: ignore[arg-type]


async def test_an_installation_in_use_is_not_restored_into(
    laptop: Installation, elsewhere: Installation
) -> None:
    await laptop.back_up()
    await fill_with_clips(elsewhere.url, elsewhere.blobs, 3)
    with connected(elsewhere.url) as connection:
        users = metadata.tables["users"]
        connection.execute(users.update().values(bio="of another"))
    before, files = stands_in(elsewhere.url), await held_by(elsewhere.blobs)

    with pytest.raises(CopyRefused, match="not from this source"):
        await elsewhere.restore()

    assert stands_in(elsewhere.url) == before
    assert await held_by(elsewhere.blobs) == files


async def test_foreign_files_are_refused_unless_allowed_and_never_changed(
    laptop: Installation, elsewhere: Installation
) -> None:
    await laptop.back_up()
    await elsewhere.blobs.write("originals/newer.gif", chunks(b"newer"))
    await elsewhere.blobs.write(*_first_of(2))

    with pytest.raises(BackupRefused, match="has 1 files that are not in this backup"):
        await elsewhere.restore()
    assert len(await held_by(elsewhere.blobs)) == 2

    done = await elsewhere.restore(keep_others=True)
    assert (done.others, done.copied) == (1, 2 * COUNT - 1)
    assert (await held_by(elsewhere.blobs))["originals/newer.gif"] == b"newer"


async def test_an_interrupted_restore_resumes(laptop: Installation, elsewhere: Installation) -> None:
    await laptop.back_up()
    read: list[str] = []

    async def happens(key: str) -> None:
        read.append(key)
        if len(read) > 3 * COUNT:  # the restore checks each file first
            raise DependencyUnavailable(dependency="disk")

    with pytest.raises(Unavailable):
        await elsewhere.restore(backup_blobs=Watched(laptop.backup_blobs, happens))
    done = await elsewhere.restore()

    assert 0 < done.copied < 2 * COUNT
    assert without_jobs(elsewhere.url) == without_jobs(laptop.url)
    await assert_whole(elsewhere)


async def test_the_same_restore_again_changes_nothing(laptop: Installation, elsewhere: Installation) -> None:
    await laptop.back_up()
    await elsewhere.restore()
    before = stands_in(elsewhere.url)
    again = await elsewhere.restore()
    assert again.copied == 0
    assert all(table.resumed == table.rows for table in again.tables)
    assert stands_in(elsewhere.url) == before


async def test_a_backup_that_changes_after_its_check_is_detected(
    laptop: Installation, empty: Installation
) -> None:
    await laptop.back_up()
    read: set[str] = set()

    async def happens(key: str) -> None:
        if key in read:
            for path in (laptop.folder / "blobs").rglob("*.mp4"):
                path.write_bytes(b"changed")
        read.add(key)

    with pytest.raises(BackupRefused, match="changed during the restore"):
        await empty.restore(backup_blobs=Watched(laptop.backup_blobs, happens))


def _first_of(number: int) -> tuple[str, AsyncIterator[bytes]]:
    key, content = next(iter(clips_of(number).items()))
    return key, chunks(content)


async def test_a_second_backup_reports_what_the_installation_lost_since_and_keeps_good_copies(laptop):
    assert (await laptop.back_up()).is_whole
    gone, altered, *_ = sorted([key async for key in laptop.blobs.list("originals/")])
    before = await read_blob(laptop.backup_blobs, altered)
    await laptop.blobs.delete(gone)
    await laptop.blobs.write(altered, chunks(b"other bytes"))

    done = await laptop.back_up()

    assert (done.lost, done.damaged, done.is_whole) == ((gone,), (altered,), False)
    assert {gone, altered} <= {blob.key for blob in done.manifest.blobs}
    assert await read_blob(laptop.backup_blobs, altered) == before
    await laptop.check()


async def read_blob(store, key):
    return b"".join([chunk async for chunk in store.read(key)])
