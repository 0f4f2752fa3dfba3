"""Makes a zip file while its content arrives."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo


class ZipMember(NamedTuple):
    """A file to put into a zip, under this path."""

    path: str
    chunks: AsyncIterator[bytes]


class _Sink:
    """What ZipFile writes to: without positions, so that it never goes back to what was taken already."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Does nothing, because nothing is buffered."""

    def take(self) -> bytes:
        """Returns what was written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


async def zip_of(members: AsyncIterator[ZipMember]) -> AsyncIterator[bytes]:
    """Yields the bytes of a zip with these files, uncompressed: clips and pictures are compressed already.

    Memory use is independent of the sizes. What `members` or their chunks raise is raised.
    """
    sink = _Sink()
    with ZipFile(sink, "w") as archive:  # type: ignore[call-overload]
        async for path, chunks in members:
            with archive.open(ZipInfo(path), "w", force_zip64=True) as entry:
                async for chunk in chunks:
                    entry.write(chunk)
                    yield sink.take()
    yield sink.take()
