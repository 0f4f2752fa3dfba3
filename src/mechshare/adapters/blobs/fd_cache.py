"""Files that stay open for a while, since a clip is asked for piece by piece, and by many at once."""

import asyncio
import os

_LIFETIME = 5.0
"""Seconds that a deleted file keeps its room on the disk at most, but for readers under way; and that it is read on
where another name (a hard link) keeps it."""
_NO_WAIT = getattr(os, "RWF_NOWAIT", None)
"""Linux: the disk is not asked; what is not in memory is refused instead."""
_MAX_OPEN = 0 if _NO_WAIT is None else 64


class OpenFile:
    """Takes over a descriptor, and closes it when nobody holds the file any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    def read(self, size: int, offset: int) -> bytes:
        """May wait for the disk. Raises OSError."""
        return os.pread(self._descriptor, size, offset)

    def read_nowait(self, size: int, offset: int) -> bytes | None:
        """As much as is in memory; never waits. None where that is nothing, or the file was deleted or replaced.

        A turn of a thread takes several times as long as this, most of it to get the interpreter back.
        """
        if _NO_WAIT is None:
            return None
        content = bytearray(size)
        try:
            length = os.preadv(self._descriptor, [content], offset, _NO_WAIT)
            # Asked of what has just been read without waiting: so this does not wait either.
            is_there = os.fstat(self._descriptor).st_nlink > 0
        except OSError:
            # Not in memory, or in a file system that can't tell. Whoever reads it again, in a thread, will hear why.
            return None
        return bytes(memoryview(content)[:length]) if is_there else None


class FdCache:
    """The last few that were opened, by name."""

    def __init__(self) -> None:
        self._files: dict[str, OpenFile] = {}

    def find(self, name: str) -> OpenFile | None:
        """The file, if it is open."""
        return self._files.get(name)

    def add(self, name: str, file: OpenFile) -> None:
        """For some seconds, as long as there is room; in place of what was kept by this name."""
        if name in self._files or len(self._files) < _MAX_OPEN:
            self._files[name] = file
            asyncio.get_running_loop().call_later(_LIFETIME, self.evict, name)

    def evict(self, name: str) -> None:
        self._files.pop(name, None)

    def clear(self) -> None:
        self._files.clear()
