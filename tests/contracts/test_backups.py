"""The contract of a backup folder: it returns the last finished backup, complete, or none."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mechshare.domain.backups import BackupRefused, Manifest, TableSummary
from mechshare.domain.blobs import BlobFacts
from mechshare.ports.backups import BackupFolder
from tests.contracts.harness import adapters_of

CLIP = BlobFacts(key="originals/é.gif", size=3, sha256="a" * 64)


@pytest.fixture(params=adapters_of("backups"))
async def folder(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


async def kept(folder: BackupFolder, content: bytes) -> Manifest:
    """Finishes a backup whose rows are `content`."""
    async with folder.lock(is_writing=True):
        await folder.begin()
        (await folder.draft()).write_bytes(content)
        manifest = Manifest(
            taken_at=datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
            program="1.0",
            schema="0001",
            oldest_users=("u-1", "u-2"),
            rows=await folder.rows(),
            tables=(TableSummary(table="users", rows=2, digest="0" * 64),),
            blobs=(CLIP,),
            missing=("originals/x.gif",),
            altered=(),
        )
        await folder.finish(manifest)
    return manifest


async def rows_in(folder: BackupFolder, manifest: Manifest) -> bytes | None:
    path, facts = await folder.find_rows(manifest)
    return path.read_bytes() if facts == manifest.rows else None


async def test_a_finished_backup_is_read_as_it_was_written(folder: BackupFolder) -> None:
    manifest = await kept(folder, b"rows")
    async with folder.lock(is_writing=False):
        assert await folder.read() == manifest
        assert await rows_in(folder, manifest) == b"rows"


async def test_an_unfinished_backup_is_recognized(folder: BackupFolder) -> None:
    async with folder.lock(is_writing=True):
        assert await folder.begin() is None
    with pytest.raises(BackupRefused, match="never finished"):
        await folder.read()


async def test_the_last_finished_backup_stays_until_the_next_is_finished(folder: BackupFolder) -> None:
    first = await kept(folder, b"first")
    async with folder.lock(is_writing=True):
        assert await folder.begin() == first
        (await folder.draft()).write_bytes(b"second")
        await folder.rows()
    assert await folder.read() == first
    assert await rows_in(folder, first) == b"first"


async def test_finishing_a_backup_deletes_the_rows_of_the_one_before(folder: BackupFolder) -> None:
    first = await kept(folder, b"first")
    second = await kept(folder, b"second")
    assert await rows_in(folder, first) is None
    assert await rows_in(folder, second) == b"second"


async def test_finishing_the_same_rows_again_keeps_them(folder: BackupFolder) -> None:
    await kept(folder, b"same")
    assert await rows_in(folder, await kept(folder, b"same")) == b"same"


async def test_a_new_draft_is_empty_whatever_an_earlier_run_left(folder: BackupFolder) -> None:
    async with folder.lock(is_writing=True):
        await folder.begin()
        draft = await folder.draft()
        draft.write_bytes(b"half")
        draft.with_name(draft.name + "-wal").write_bytes(b"half")
        assert [path for path in draft.parent.glob(f"{draft.name}*") if path.exists()]
        again = await folder.draft()
    assert list(again.parent.glob(f"{again.name}*")) == []


async def test_changed_rows_are_detected(folder: BackupFolder) -> None:
    manifest = await kept(folder, b"rows")
    path, _ = await folder.find_rows(manifest)
    path.write_bytes(b"rowt")
    assert (await folder.find_rows(manifest))[1] != manifest.rows
    path.unlink()
    assert (await folder.find_rows(manifest))[1] is None


async def test_one_process_writes_at_a_time_and_none_reads_meanwhile(folder: BackupFolder) -> None:
    await kept(folder, b"rows")
    async with folder.lock(is_writing=True):
        for is_writing in (True, False):
            with pytest.raises(BackupRefused, match="under way"):
                async with folder.lock(is_writing=is_writing):
                    pass


async def test_any_number_may_read_and_none_writes_meanwhile(folder: BackupFolder) -> None:
    await kept(folder, b"rows")
    async with folder.lock(is_writing=False), folder.lock(is_writing=False):
        with pytest.raises(BackupRefused, match="under way"):
            async with folder.lock(is_writing=True):
                pass
    async with folder.lock(is_writing=True):
        pass
