"""Detects files that end before their structure says. Decoders accept such files."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from mechshare.domain.media import MediaFormat

_COLOURS = 0x80
_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = b"\x18S\x80g"


def is_truncated(file: BinaryIO, format: MediaFormat) -> bool:
    """Whether `file` is truncated. False for a complete file and for one whose structure is invalid.

    Leaves the file at its beginning.
    """
    size = file.seek(0, 2)
    file.seek(0)
    try:
        return _IS_TRUNCATED[format](file, size)
    finally:
        file.seek(0)


def _gif(file: BinaryIO, size: int) -> bool:
    """Whether the file ends before the trailer. An unknown block counts as the trailer."""
    blocks = deque(gif_blocks(file), maxlen=1)
    return not blocks or blocks[0] in (b"!", b",")


def gif_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yields the kind of each block of a GIF, read from its beginning: "!" and ",", last ";" or an unknown byte.

    GIF89a: a screen descriptor, then blocks up to the trailer; a block's data are sub-blocks up to an empty one.
    """
    screen = file.read(13)
    _skip_colours(file, screen[10:11])
    while kind := file.read(1):
        yield kind
        if kind == b"!":
            file.read(1)
        elif kind == b",":
            _skip_colours(file, file.read(9)[8:9])
            file.read(1)
        else:
            return
        while length := file.read(1):
            if length == b"\0":
                break
            file.seek(length[0], 1)


def _skip_colours(file: BinaryIO, flags: bytes) -> None:
    if flags and flags[0] & _COLOURS:
        file.seek(3 * 2 ** ((flags[0] & 7) + 1), 1)


def _apng(file: BinaryIO, size: int) -> bool:
    """Whether the chunks end before IEND. A PNG chunk consists of length, kind, data and checksum."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        if file.seek(int.from_bytes(head[:4], "big") + 4, 1) > size:
            return True
        if head[4:] == b"IEND":
            return False
    return True


def _webp(file: BinaryIO, size: int) -> bool:
    return int.from_bytes(file.read(8)[4:], "little") + 8 > size


_OUTER_BOXES = frozenset(
    b"ftyp moov mdat moof mfra free skip wide pnot uuid meta styp sidx ssix prft emsg udta PICT".split()
)


def _boxes(file: BinaryIO, size: int) -> bool:
    """Whether a box is cut off, or the index (moov) or the data (mdat) is missing; they may come in either order.

    ISO/IEC 14496-12: a box begins with its length and kind. Ignores trailing data that is not a box.
    """
    start, missing = 0, {b"moov", b"mdat"}
    while len(head := file.read(16)) >= 8 and head[4:8] in _OUTER_BOXES:
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        length = length or size - start
        missing.discard(head[4:8])
        if length < 8:
            return False
        start += length
        if start > size:
            return True
        file.seek(start)
    return bool(missing)


def _webm(file: BinaryIO, size: int) -> bool:
    """Whether the segment is cut off. EBML (RFC 8794): a header, then one segment, whose length may be unknown."""
    file.seek(len(_EBML))
    header = _length(file)
    if header is None or file.seek(header, 1) > size:
        return True
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return file.tell() >= size
    segment = _length(file)
    return segment is not None and file.tell() + segment > size


def _length(file: BinaryIO) -> int | None:
    """Reads an EBML length: 1 byte, plus one for each leading zero bit of the first byte. None if it is unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    mask = (1 << (7 - more)) - 1
    value = int.from_bytes(bytes([first[0] & mask]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value


_IS_TRUNCATED: Mapping[MediaFormat, Callable[[BinaryIO, int], bool]] = {
    MediaFormat.GIF: _gif,
    MediaFormat.APNG: _apng,
    MediaFormat.WEBP: _webp,
    MediaFormat.MP4: _boxes,
    MediaFormat.MOV: _boxes,
    MediaFormat.WEBM: _webm,
}
