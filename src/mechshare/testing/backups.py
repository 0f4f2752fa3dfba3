"""The contract suite of backup folders: a folder holds the last finished backup, complete, or none.

The fixture `backup` provides a folder that does not exist yet.
"""

from datetime import UTC, datetime

import pytest

from mechshare.domain.backups import BackupRefused, Manifest, TableSummary
from mechshare.domain.blobs import BlobFacts
from mechshare.ports.backups import BackupFolder

CLIP = BlobFacts(key="originals/é.gif", size=3, sha256="a" * 64)


async def finished(backup: BackupFolder, content: bytes) -> Manifest:
    """Finishes a backup whose rows are `content`."""
    async with backup.lock(is_writing=True):
        await backup.begin()
        (await backup.draft()).write_bytes(content)
        manifest = Manifest(
            taken_at=datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
            program="1.0",
            schema="0001",
            oldest_users=("u-1", "u-2"),
            rows=await backup.rows(),
            tables=(TableSummary(table="users", rows=2, digest="0" * 64),),
            blobs=(CLIP,),
            missing=("originals/x.gif",),
            altered=(),
        )
        await backup.finish(manifest)
    return manifest


async def rows_in(backup: BackupFolder, manifest: Manifest) -> bytes | None:
    path, facts = await backup.find_rows(manifest)
    return path.read_bytes() if facts == manifest.rows else None


async def test_a_finished_backup_is_read_as_it_was_written(backup: BackupFolder) -> None:
    manifest = await finished(backup, b"rows")
    async with backup.lock(is_writing=False):
        assert await backup.read() == manifest
        assert await rows_in(backup, manifest) == b"rows"


async def test_an_unfinished_backup_is_recognized(backup: BackupFolder) -> None:
    async with backup.lock(is_writing=True):
        assert await backup.begin() is None
    with pytest.raises(BackupRefused, match="is incomplete"):
        await backup.read()


async def test_the_last_finished_backup_stays_until_the_next_is_finished(backup: BackupFolder) -> None:
    first = await finished(backup, b"first")
    async with backup.lock(is_writing=True):
        assert await backup.begin() == first
        (await backup.draft()).write_bytes(b"second")
        await backup.rows()
    assert await backup.read() == first
    assert await rows_in(backup, first) == b"first"


async def test_finishing_a_backup_deletes_the_rows_of_the_one_before(backup: BackupFolder) -> None:
    first = await finished(backup, b"first")
    second = await finished(backup, b"second")
    assert await rows_in(backup, first) is None
    assert await rows_in(backup, second) == b"second"


async def test_finishing_the_same_rows_again_keeps_them(backup: BackupFolder) -> None:
    await finished(backup, b"same")
    assert await rows_in(backup, await finished(backup, b"same")) == b"same"


async def test_a_new_draft_is_empty_whatever_an_earlier_run_left(backup: BackupFolder) -> None:
    async with backup.lock(is_writing=True):
        await backup.begin()
        draft = await backup.draft()
        draft.write_bytes(b"half")
        draft.with_name(draft.name + "-wal").write_bytes(b"half")
        assert [path for path in draft.parent.glob(f"{draft.name}*") if path.exists()]
        again = await backup.draft()
    assert list(again.parent.glob(f"{again.name}*")) == []


async def test_changed_rows_are_detected(backup: BackupFolder) -> None:
    manifest = await finished(backup, b"rows")
    path, _ = await backup.find_rows(manifest)
    path.write_bytes(b"rowt")
    assert (await backup.find_rows(manifest))[1] != manifest.rows
    path.unlink()
    assert (await backup.find_rows(manifest))[1] is None


async def test_one_process_writes_at_a_time_and_none_reads_meanwhile(backup: BackupFolder) -> None:
    await finished(backup, b"rows")
    async with backup.lock(is_writing=True):
        for is_writing in (True, False):
            with pytest.raises(BackupRefused, match="Another backup or restore"):
                async with backup.lock(is_writing=is_writing):
                    pass


async def test_any_number_of_readers_lock_out_writers(backup: BackupFolder) -> None:
    await finished(backup, b"rows")
    async with backup.lock(is_writing=False), backup.lock(is_writing=False):
        with pytest.raises(BackupRefused, match="Another backup or restore"):
            async with backup.lock(is_writing=True):
                pass
    async with backup.lock(is_writing=True):
        pass
