"""Removes metadata from files without a change of what they show: no pixel and no sample is encoded again."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import IO, BinaryIO
from zlib import crc32

import av
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from PIL import Image

from mechshare.adapters.media.frames import in_memory, is_cover, open_container
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.media import FailureCode, MediaFormat

_ORIENTATION, _UPRIGHT = 0x0112, 1
_EXIF = b"Exif\0\0"

_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""A marker of JPEG. Within compressed data, 0xFF is followed by 0 or by the number of a restart."""
_END, _SCAN, _COMMENT, _JFIF, _APPLICATION_1 = 0xD9, 0xDA, 0xFE, 0xE0, 0xE1
_JFIF_BYTES = 12
"""The bytes of a JFIF segment before the size of its thumbnail."""
_SHOWN_SEGMENTS = ((0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))
"""The application segments that say how colours are meant."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SHOWN_CHUNKS = frozenset(
    (
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"),
        *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi"),
        *(b"bKGD", b"pHYs", b"hIST"),
    )
)
"""The chunks of PNG that say what is shown. All others are texts, times, or unknown."""

_MUXERS = {MediaFormat.MP4: "mp4", MediaFormat.MOV: "mov"}
_COPIED = ("video", "audio")


def copy_without_metadata(
    source: BinaryIO, format: MediaFormat, into: IO[bytes], limits: MediaLimits
) -> None:
    """Writes to `into` what `source` shows, with its orientation and colours. Raises RefusedClip."""
    if format in _MUXERS:
        _remux(source, format, into, limits)
        return
    for part in _PICTURES[format](in_memory(source).getvalue()):
        into.write(part)


def _jpeg(content: bytes) -> Iterator[bytes]:
    segments = list(_segments(content))
    yield b"\xff\xd8"
    exif = next((data for marker, data, _ in segments if marker == _APPLICATION_1 and _is_exif(data)), b"")
    orientation = _exif_of_orientation(exif)
    if orientation:
        yield _segment(_APPLICATION_1, orientation)
    for marker, data, compressed in segments:
        if marker == _JFIF and data.startswith(b"JFIF\0"):
            yield _segment(marker, data[:_JFIF_BYTES] + b"\0\0")
        elif not _is_metadata(marker, data):
            yield _segment(marker, data)
            yield compressed
    yield b"\xff\xd9"


def _segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields the marker and data of each segment up to the end of the picture, and the compressed data that follows
    it. Raises RefusedClip if the file ends within a segment."""
    found = _MARKER.search(content, 2)
    while found is not None and found[1][0] != _END:
        start = found.end()
        end = start + int.from_bytes(content[start : start + 2], "big")
        if end > len(content) or end < start + 2:
            raise RefusedClip(FailureCode.TRUNCATED)
        following = _MARKER.search(content, end)
        is_scan = found[1][0] == _SCAN
        rest = content[end : following.start() if following else len(content)] if is_scan else b""
        yield found[1][0], content[start + 2 : end], rest
        found = following


def _is_metadata(marker: int, data: bytes) -> bool:
    if marker == _COMMENT:
        return True
    is_application = _JFIF <= marker <= _JFIF + 15
    return is_application and not any(
        marker == one and data.startswith(name) for one, name in _SHOWN_SEGMENTS
    )


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data


def _png(content: bytes) -> Iterator[bytes]:
    chunks = list(_chunks(content))
    orientation = _exif_of_orientation(next((data for kind, data in chunks if kind == b"eXIf"), b""))
    yield _SIGNATURE
    for kind, data in chunks:
        if kind in _SHOWN_CHUNKS:
            yield _chunk(kind, data)
        if kind == b"IHDR" and orientation:
            yield _chunk(b"eXIf", orientation.removeprefix(_EXIF))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the kind and data of each chunk up to the end of the picture. Raises RefusedClip if there is no end."""
    offset, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = int.from_bytes(content[offset : offset + 4], "big"), content[offset + 4 : offset + 8]
        end = offset + 8 + length
        if end + 4 > len(content):
            raise RefusedClip(FailureCode.TRUNCATED)
        yield kind, content[offset + 8 : end]
        offset = end + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + crc32(kind + data).to_bytes(4, "big")


def _is_exif(data: bytes) -> bool:
    return data.startswith(_EXIF)


def _exif_of_orientation(data: bytes) -> bytes:
    """Returns EXIF with the orientation that `data` states and nothing else; empty if the picture is upright."""
    stated = Image.Exif()
    try:
        stated.load(data)
        orientation = stated.get(_ORIENTATION, _UPRIGHT)
    except (OSError, SyntaxError, ValueError, TypeError):  # what can't be read turns no picture
        return b""
    if orientation not in range(_UPRIGHT + 1, 9):
        return b""
    copied = Image.Exif()
    copied[_ORIENTATION] = orientation
    return copied.tobytes()


_PICTURES: Mapping[MediaFormat, Callable[[bytes], Iterator[bytes]]] = {
    MediaFormat.JPEG: _jpeg,
    MediaFormat.PNG: _png,
    MediaFormat.APNG: _png,
}


def _remux(source: BinaryIO, format: MediaFormat, into: IO[bytes], limits: MediaLimits) -> None:
    """Copies the packets of video and sound into a new container. Tracks of other kinds, such as places, are left
    out."""
    with open_container(source, format, limits) as clip:
        if len(clip.streams) > limits.streams:
            raise RefusedClip(FailureCode.TOO_MANY_STREAMS, f"{len(clip.streams)} streams")
        with av.open(into, "w", format=_MUXERS[format], options={"fflags": "+bitexact"}) as made:
            _copy_packets(clip, made)


def _copy_packets(clip: InputContainer, made: OutputContainer) -> None:
    copies = {stream.index: _copied(made, stream) for stream in clip.streams if _is_copied(stream)}
    if not copies:
        raise RefusedClip(FailureCode.NO_VIDEO)
    for packet in clip.demux([stream for stream in clip.streams if stream.index in copies]):
        if packet.dts is not None:  # the last one of a stream is empty
            packet.stream = copies[packet.stream.index]
            made.mux(packet)


def _is_copied(stream: Stream) -> bool:
    return stream.type in _COPIED and not is_cover(stream)


def _copied(made: OutputContainer, stream: Stream) -> Stream:
    copy = made.add_stream_from_template(stream, opaque=True)
    copy.metadata.clear()
    return copy
