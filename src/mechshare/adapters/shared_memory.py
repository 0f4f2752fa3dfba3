"""Files that the processes of one machine map into their memory, to share what costs no more than memory then."""

import mmap
import os
import sys
from pathlib import Path


def mapped_file(path: Path, size: int) -> mmap.mmap:
    """The file at `path`, `size` bytes long and made of zeros where it is new; only its owner may read it.

    Raises OSError, also where the disk has no room for it: to write to a page without room would kill the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _make_room(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _make_room(descriptor: int, size: int) -> None:
    if sys.platform != "darwin":
        os.posix_fallocate(descriptor, 0, size)
    elif os.fstat(descriptor).st_size < size:
        os.ftruncate(descriptor, size)
