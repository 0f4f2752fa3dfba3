"""The contract suite of room for work under way."""

from pathlib import Path

import pytest

from mechshare.ports.scratch import Scratch


async def test_each_piece_of_work_has_a_folder_of_its_own_until_it_ends(scratch: Scratch) -> None:
    with scratch.folder() as first, scratch.folder() as second:
        assert first != second
        (first / "source.gif").write_bytes(b"GIF")
        await scratch.remove_leftovers()
        assert (first / "source.gif").read_bytes() == b"GIF"
        assert list(second.iterdir()) == []
    assert not first.exists()
    assert not second.exists()


async def test_the_folder_of_work_that_failed_is_removed(scratch: Scratch) -> None:
    folders: list[Path] = []
    with pytest.raises(ValueError, match="bad clip"):
        _fail_in(scratch, folders)
    assert [folder.exists() for folder in folders] == [False]


def _fail_in(scratch: Scratch, folders: list[Path]) -> None:
    with scratch.folder() as folder:
        folders.append(folder)
        (folder / "made").mkdir()
        raise ValueError("bad clip")
