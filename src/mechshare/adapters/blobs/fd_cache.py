"""Caches open files, because clients request a clip in many ranges and many clients request the same clip."""

import asyncio
import os

_LIFETIME = 5.0
"""Seconds for which an entry can delay freeing the disk space of a deleted file, or serve it if a hard link to it
exists; readers that have the file open can extend this."""
_NO_WAIT = getattr(os, "RWF_NOWAIT", None)
"""Linux: a read fails instead of waiting for the disk."""
_MAX_OPEN = 0 if _NO_WAIT is None else 64


class OpenFile:
    """Owns a descriptor and closes it when nothing refers to the object any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    def read(self, size: int, offset: int) -> bytes:
        """Reads up to `size` bytes at `offset`; may wait for the disk. Raises OSError."""
        return os.pread(self._descriptor, size, offset)

    def read_nowait(self, size: int, offset: int) -> bytes | None:
        """Reads what the page cache has, without waiting; None if it has nothing or the file was deleted or replaced.

        Reading in a thread takes several times as long, mostly to reacquire the interpreter lock.
        """
        if _NO_WAIT is None:
            return None
        content = bytearray(size)
        try:
            length = os.preadv(self._descriptor, [content], offset, _NO_WAIT)
            # After a read that did not wait, fstat of the same file does not wait either.
            is_there = os.fstat(self._descriptor).st_nlink > 0
        except OSError:
            # Not in the page cache, or the file system cannot tell. The caller then reads in a thread, which reports
            # errors.
            return None
        return bytes(memoryview(content)[:length]) if is_there else None


class FdCache:
    """Files opened in the last `_LIFETIME` seconds, by name; at most `_MAX_OPEN`."""

    def __init__(self) -> None:
        self._files: dict[str, OpenFile] = {}

    def find(self, name: str) -> OpenFile | None:
        """Returns the file if it is cached."""
        return self._files.get(name)

    def add(self, name: str, file: OpenFile) -> None:
        """Caches the file for `_LIFETIME` seconds, if there is room; replaces an entry of the same name."""
        if name in self._files or len(self._files) < _MAX_OPEN:
            self._files[name] = file
            asyncio.get_running_loop().call_later(_LIFETIME, self.evict, name)

    def evict(self, name: str) -> None:
        self._files.pop(name, None)

    def clear(self) -> None:
        self._files.clear()
