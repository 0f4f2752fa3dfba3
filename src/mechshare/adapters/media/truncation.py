"""Detects files that end before their structure says. Decoders accept such files."""

from collections.abc import Callable, Mapping
from typing import BinaryIO

from mechshare.adapters.media.gif import read_blocks, read_screen
from mechshare.domain.media import MediaFormat

_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = b"\x18S\x80g"


def is_truncated(file: BinaryIO, format: MediaFormat) -> bool:
    """Whether `file` is truncated. False for a complete file, for one whose structure is invalid, and for pictures and
    documents, whose decoders notice it.

    Leaves the file at its beginning.
    """
    check = _IS_TRUNCATED.get(format)
    if check is None:
        return False
    size = file.seek(0, 2)
    file.seek(0)
    try:
        return check(file, size)
    finally:
        file.seek(0)


def _gif(file: BinaryIO, size: int) -> bool:
    """Whether the file ends within a block, or before the first image. Some programs write no trailer."""
    read_screen(file)
    has_image = is_whole = False
    for block in read_blocks(file):
        is_whole = block.kind not in (b"!", b",") or (block.is_whole and file.tell() <= size)
        has_image = has_image or block.kind == b","
    return not is_whole or not (has_image or file.tell() >= size)


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

    ISO/IEC 14496-12: a box begins with its length and kind. Skips boxes of unknown kind; ignores trailing data that is
    not a box.
    """
    start, missing = 0, {b"moov", b"mdat"}
    while len(head := file.read(16)) >= 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        length = length or size - start
        is_known = kind in _OUTER_BOXES
        if length < 8 or not (is_known or (kind.isalnum() and missing)):
            break
        missing.discard(kind)
        start += length
        if start > size:
            return is_known or bool(missing)
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


def _avi(file: BinaryIO, size: int) -> bool:
    """Whether the RIFF chunk is cut off. A length of 0 stands for a recording that was not ended."""
    length = int.from_bytes(file.read(8)[4:], "little")
    return length + 8 > size or size < 12


def _asf(file: BinaryIO, size: int) -> bool:
    """Whether an object is cut off. Each begins with an identifier of 16 bytes and its length."""
    start = count = 0
    while len(head := file.read(24)) == 24:
        length = int.from_bytes(head[16:], "little")
        if length < 24:
            break
        start, count = start + length, count + 1
        if start > size:
            return True
        file.seek(start)
    return count < 2  # header and data


_TS_PACKET = 188


def _ts(file: BinaryIO, size: int) -> bool:
    """Whether there is less than one packet: a transport stream may end after any packet."""
    return size < _TS_PACKET


_IS_TRUNCATED: Mapping[MediaFormat, Callable[[BinaryIO, int], bool]] = {
    MediaFormat.GIF: _gif,
    MediaFormat.APNG: _apng,
    MediaFormat.WEBP: _webp,
    MediaFormat.AVIF: _boxes,
    MediaFormat.MP4: _boxes,
    MediaFormat.MOV: _boxes,
    MediaFormat.WEBM: _webm,
    MediaFormat.MKV: _webm,
    MediaFormat.AVI: _avi,
    MediaFormat.TS: _ts,
    MediaFormat.WMV: _asf,
}
