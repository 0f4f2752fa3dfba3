"""Files that the processes of one machine map into memory to share data at the cost of a memory access."""

import mmap
import os
import sys
from pathlib import Path


def mapped_file(path: Path, size: int) -> mmap.mmap:
    """Maps the file at `path`, `size` bytes long; a new file is filled with zeros and accessible to its owner only.

    Raises OSError, also if the folder is missing or the disk is full: writing to a mapped page that has no room kills
    the process.
    """
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
