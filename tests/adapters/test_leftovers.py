"""What killed processes leave is removed while others run, and work under way never is."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mechshare.adapters.leftovers import remove_leftovers
from mechshare.adapters.scratch.local import LocalScratch

_WORKS = """
import sys, time
from pathlib import Path
from mechshare.adapters.scratch.local import LocalScratch
with LocalScratch(Path(sys.argv[1])).folder() as folder:
    (folder / "source.gif").write_bytes(b"x")
    print("works", flush=True)
    time.sleep(60)
"""
_DAY = 24 * 3600


def make_old(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_the_folder_of_a_killed_worker_is_removed_as_soon_as_it_is_dead(tmp_path: Path) -> None:
    scratch = LocalScratch(tmp_path / "scratch", [tmp_path / "absent"])
    (tmp_path / "scratch").mkdir()
    with subprocess.Popen([sys.executable, "-c", _WORKS, tmp_path / "scratch"], stdout=-1) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"works\n"
        (folder,) = (tmp_path / "scratch").iterdir()
        make_old(folder, 2 * _DAY)
        asyncio.run(scratch.remove_leftovers())
        assert (folder / "source.gif").exists()

        worker.send_signal(signal.SIGKILL)
        worker.wait()
        asyncio.run(scratch.remove_leftovers())
        assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "age", "stays"),
    [
        ("locked-new", 10, True),
        ("locked-left", 120, False),
        ("locked-from-the-future", -3600, False),
        ("clip-of-an-earlier-release", 23 * 3600, True),
        ("clip-of-an-earlier-release", 25 * 3600, False),
    ],
)
def test_unlocked_files_are_removed_once_no_process_can_be_about_to_lock_them(
    tmp_path: Path, name: str, age: float, stays: bool
) -> None:
    (tmp_path / name).write_bytes(b"")
    make_old(tmp_path / name, age)
    remove_leftovers(tmp_path)
    assert (tmp_path / name).exists() == stays


def test_a_link_is_removed_and_not_what_it_points_to(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "scratch"
    outside.mkdir()
    (outside / "file").touch()
    folder.mkdir()
    (folder / "clip-link").symlink_to(outside)
    os.utime(folder / "clip-link", (0, 0), follow_symlinks=False)
    remove_leftovers(folder)
    assert list(folder.iterdir()) == []
    assert (outside / "file").exists()
