"""Writers of one resumable upload in files: the one with the highest fence wins, whatever the others do meanwhile."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from mechshare.adapters.uploads import files
from mechshare.adapters.uploads.files import FileUploadStore
from mechshare.domain.ids import UploadId
from mechshare.domain.uploads import UploadTakenOver


async def test_a_writer_takes_over_from_an_earlier_one_that_begins_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, upload = FileUploadStore(tmp_path), UploadId(str(uuid4()))
    await store.create(upload)
    looked: list[str] = []

    def newest(folder: int) -> str:
        found = find_newest(folder)
        if not looked:  # the earlier writer renames the file after the later one has found it
            os.rename(found, f"{1:010}", src_dir_fd=folder, dst_dir_fd=folder)
        looked.append(found)
        return found

    find_newest = files._newest
    monkeypatch.setattr(files, "_newest", newest)

    await store.append(upload, 2, 0, b"later")

    with pytest.raises(UploadTakenOver):
        await store.append(upload, 1, 0, b"earlier")
    assert await store.stat(upload) == len(b"later")
