"""A folder in which the processes of one server share their metrics, so that each can report the sum."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders made in there are their owner's alone
_PREFIX = "mechshare-metrics-"


@contextmanager
def metrics_folder(otherwise: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; in memory, or on systems that have no such place in `otherwise`.

    What it holds is mapped by those who count: on a disk that is full that would kill them.
    """
    place = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else otherwise
    _remove_abandoned(place)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place, ignore_cleanup_errors=True) as folder:
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(lock)


def _remove_abandoned(place: Path) -> None:
    """Removes the folders of killed servers, which nobody has locked."""
    for left in place.glob(_PREFIX + "*"):
        with suppress(OSError):  # somebody else's, or held, or gone by now
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(lock)
