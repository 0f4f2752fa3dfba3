"""A folder in which the processes of one server share their metrics, so that each can report the sum."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only their owner can open the folders made in there
_PREFIX = "mechshare-metrics-"


@contextmanager
def metrics_folder(fallback: Path) -> Iterator[Path]:
    """Creates a temporary folder and removes it at the end: in memory, or in `otherwise` on systems without
    /dev/shm.

    Processes map the files in it to count; on a full disk, writing to them would kill the processes.
    """
    parent = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else fallback
    _remove_abandoned(parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True) as folder:
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Removes folders that killed servers left behind; nobody holds a lock on them."""
    for left in parent.glob(_PREFIX + "*"):
        with suppress(OSError):  # another user's, locked or already removed
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(lock)
