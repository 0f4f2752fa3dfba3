"""A backup's folder on this machine's disk."""

import json
import stat
from pathlib import Path

import pytest

from mechshare.adapters.backups.folders import FolderBackup
from mechshare.domain.backups import BackupRefused, Manifest
from mechshare.testing.backups import finished


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "on" / "tape"


@pytest.fixture
def folder(root: Path) -> FolderBackup:
    return FolderBackup(root)


async def test_files_of_a_backup_are_readable_by_the_owner_only(folder: FolderBackup, root: Path) -> None:
    await finished(folder, b"rows")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [root, *root.iterdir()]}
    assert modes.pop(root.name) == 0o700
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


async def test_a_folder_that_holds_other_files_is_refused_and_unchanged(
    folder: FolderBackup, root: Path
) -> None:
    (root / "blobs").mkdir(parents=True)
    with pytest.raises(BackupRefused, match="is neither empty nor a backup: it contains 'blobs'"):
        async with folder.lock(is_writing=True):
            pass
    assert [path.name for path in root.iterdir()] == ["blobs"]


async def test_reading_a_folder_without_a_backup_is_refused(folder: FolderBackup, root: Path) -> None:
    with pytest.raises(BackupRefused, match="contains no backup"):
        await folder.read()
    assert not root.exists()


@pytest.mark.parametrize("offset", range(0, 1000, 37))
async def test_a_flipped_bit_in_the_manifest_is_detected(
    folder: FolderBackup, root: Path, offset: int
) -> None:
    manifest = await finished(folder, b"rows")
    path = root / "manifest.json"
    written = bytearray(path.read_bytes())
    written[offset % len(written)] ^= 1
    path.write_bytes(written)
    try:
        read: Manifest | None = await folder.read()
    except BackupRefused:
        read = None
    # A flipped bit can turn a space into a character that is not valid JSON, or into other white space, which changes
    # nothing.
    assert read in (None, manifest)
    if not chr(written[offset % len(written)] ^ 1).isspace():
        assert read is None


async def test_a_manifest_of_a_later_format_is_refused(folder: FolderBackup, root: Path) -> None:
    await finished(folder, b"rows")
    path = root / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(BackupRefused, match="use a newer mechshare"):
        await folder.read()


async def test_a_backup_without_a_lock_file_can_be_read(folder: FolderBackup, root: Path) -> None:
    manifest = await finished(folder, b"rows")
    (root / ".lock").unlink()
    async with folder.lock(is_writing=False):
        assert await folder.read() == manifest
    assert not (root / ".lock").exists()


async def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupRefused, match="can't be used: Not a directory"):
        async with FolderBackup(tmp_path / "file" / "x").lock(is_writing=True):
            pass
