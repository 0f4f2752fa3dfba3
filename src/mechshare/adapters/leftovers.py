"""Work under way on a disk: its process locks it, so that others can remove what a killed process left."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "locked-"
"""The beginning of the names of files and folders that their process locks."""
_LOCKED_WITHIN = 60.0
"""Seconds. A process may not have locked yet what is younger."""
_UNLOCKED_AFTER = 24 * 3600.0
"""Seconds after which work without a lock counts as left: that of earlier releases."""


@contextmanager
def locked_folder(parent: Path) -> Iterator[Path]:
    """Creates a folder for work under way, and removes it at the end. Raises OSError."""
    with tempfile.TemporaryDirectory(dir=parent, prefix=PREFIX) as name:
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(folder)


def remove_leftovers(folder: Path) -> None:
    """Removes what killed processes left in `folder`, which need not exist. Raises OSError."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        # Its process works on it, or removed it, or belongs to another user.
        with suppress(BlockingIOError, FileNotFoundError, PermissionError):
            _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    """Raises BlockingIOError if a process works on it."""
    age = abs(time.time() - path.lstat().st_mtime)  # from the future, if a clock was set back
    if not path.name.startswith(PREFIX):
        if age > _UNLOCKED_AFTER:
            _remove(path)
    elif age > _LOCKED_WITHIN:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
