"""Reads STL files, binary and text, some triangles at a time."""

import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.media import FailureCode

_HEADER_BYTES, _COUNT_BYTES = 80, 4
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_TOGETHER = 32_768
_READ_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 64 * 1024
_VERTEX = re.compile(rb"vertex[ \t]{1,99}(\S{1,40})[ \t]{1,99}(\S{1,40})[ \t]{1,99}(\S{1,40})(?!\S)")
"""Bounded repetitions: the time to search a text is linear in its length, whatever it contains."""


class StlMesh:
    """The triangles of a file; each iteration reads it from its beginning, in memory that does not depend on its size.

    Each item is an array (triangle, corner, coordinate), in the unit of the file. Raises RefusedClip for a text with a
    line that is too long, and ValueError for coordinates that are no numbers.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        size = self._source.seek(0, 2)
        self._source.seek(0)
        head = self._source.read(_HEADER_BYTES + _COUNT_BYTES)
        count = int.from_bytes(head[_HEADER_BYTES:], "little")
        if size == len(head) + count * _TRIANGLE.itemsize:
            yield from self._binary()
        else:
            self._source.seek(0)
            yield from self._text()

    def _binary(self) -> Iterator[NDArray[np.float64]]:
        while content := self._source.read(_TOGETHER * _TRIANGLE.itemsize):
            yield np.frombuffer(content, _TRIANGLE)["corners"].astype(np.float64)

    def _text(self) -> Iterator[NDArray[np.float64]]:
        corners: list[tuple[bytes, ...]] = []
        for lines in self._lines():
            corners += _VERTEX.findall(lines)
            whole = len(corners) - len(corners) % 3
            yield np.array([[float(one) for one in corner] for corner in corners[:whole]]).reshape(-1, 3, 3)
            del corners[:whole]

    def _lines(self) -> Iterator[bytes]:
        """Yields whole lines, about _READ_BYTES together. Raises RefusedClip."""
        rest = b""
        while content := self._source.read(_READ_BYTES):
            lines, _, rest = (rest + content).rpartition(b"\n")
            if len(rest) > _MAX_LINE_BYTES:
                raise RefusedClip(FailureCode.UNREADABLE, f"a line has more than {_MAX_LINE_BYTES:,} bytes")
            yield lines
        yield rest
