"""Files that the processes of one machine map into memory to share data at the cost of a memory access."""

import asyncio
import ctypes
import mmap
import os
import sys
import time
from pathlib import Path

CHECK_INTERVAL = 0.05
"""Seconds between two checks whether a shared file is still the one at its path."""
_pread = ctypes.PyDLL(None, use_errno=True).pread
_pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
_pread.restype = ctypes.c_ssize_t


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


class FileReader:
    """Reads `size` bytes at a time from a small local file, for one thread.

    Unlike `os.pread`, it does not release the interpreter's lock. Where another thread waits for the lock, each release
    takes two switches between threads, a hundred times as long as reading from the page cache.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self._size = size
        self._buffer = (ctypes.c_char * size)()
        self._address = ctypes.addressof(self._buffer)

    def read(self, offset: int) -> bytes:
        """Returns the bytes at `offset`, fewer at the end of the file. Raises OSError."""
        length = _pread(self.descriptor, self._address, self._size, offset)
        if length < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        found: bytes = self._buffer.raw
        return found if length == self._size else found[:length]


class LoopTurns:
    """Tells callbacks of an event loop which of them is the first in its turn.

    What the first one reads serves the others of the turn as if each had read it: a loop calls back in order, so a
    request that arrives afterwards, say from somebody who knows of a change, is handled in a later turn.
    """

    def __init__(self) -> None:
        self._begun_in: asyncio.AbstractEventLoop | None = None

    def begins(self) -> bool:
        """Returns whether this is the first call in this turn, or no event loop is running."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return True
        if self._begun_in is loop:
            return False
        self._begun_in = loop
        loop.call_soon(self._end)
        return True

    def _end(self) -> None:
        self._begun_in = None


class MappedFileCheck:
    """Tells whether a mapped file is lost. It notices a truncation in the next turn of the event loop, and within
    CHECK_INTERVAL that the file was deleted or replaced.

    Each access to the memory begins with this check: reading a page that the file no longer has kills the process.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._file = FileReader(descriptor, 1)
        self._last = size - 1
        self._turns = LoopTurns()
        self._next_check = 0.0

    def is_lost(self) -> bool:
        if not self._turns.begins():
            return False
        if not self._file.read(self._last):
            return True
        now = time.monotonic()
        if now < self._next_check:
            return False
        self._next_check = now + CHECK_INTERVAL
        return os.fstat(self._file.descriptor).st_nlink == 0
