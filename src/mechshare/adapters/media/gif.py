"""Reads the structure of a GIF (GIF89a), and writes the same animation so that FFmpeg shows it as browsers do."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.refusals import refuse_frames

_HAS_COLOURS = 0x80
_IMAGE, _EXTENSION, _TRAILER = b",", b"!", b";"
_GRAPHIC_CONTROL = b"\xf9"
_NO_CONTROL = b"!\xf9\x04\0\0\0\0\0"
"""A graphic control extension that says nothing."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a GIF: its `kind`, the `label` of an extension or the descriptor of an image, the colours of an image,
    and its data with their lengths. `is_whole` is False if the file ends within the block."""

    kind: bytes
    label: bytes = b""
    colours: bytes = b""
    data: bytes = b""
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Screen:
    """The logical screen descriptor, and the global colours (empty without any)."""

    size: bytes
    flags: int
    colours: bytes


@dataclass(frozen=True, slots=True)
class PlainGif:
    """A GIF in which each image states all it needs, and the delay of each, in hundredths of a second."""

    content: BytesIO
    delays: tuple[int, ...]


def read_screen(file: BinaryIO) -> Screen:
    """Reads the beginning of a GIF, up to its first block."""
    head = file.read(13)
    flags = head[10] if len(head) > 10 else 0
    return Screen(size=head[6:10], flags=flags, colours=_read_colours(file, flags))


def read_blocks(file: BinaryIO, *, with_data: bool = False) -> Iterator[Block]:
    """Yields the blocks after the screen. The last one is the trailer, an unknown block, or one that is not whole.

    Skips the data of each block unless `with_data`.
    """
    while kind := file.read(1):
        if kind == _IMAGE:
            descriptor = file.read(9)
            colours = _read_colours(file, descriptor[8] if len(descriptor) == 9 else 0)
            code_size = file.read(1)
            data, is_whole = _read_data(file, with_data)
            yield Block(kind, descriptor, colours, code_size + data, is_whole)
        elif kind == _EXTENSION:
            label = file.read(1)
            data, is_whole = _read_data(file, with_data or label == _GRAPHIC_CONTROL)
            yield Block(kind, label, data=data, is_whole=is_whole)
        else:
            yield Block(kind)
            return


def _read_colours(file: BinaryIO, flags: int) -> bytes:
    return file.read(3 * 2 ** ((flags & 7) + 1)) if flags & _HAS_COLOURS else b""


def _read_data(file: BinaryIO, keep: bool) -> tuple[bytes, bool]:
    """Reads sub-blocks up to the empty one. Returns them with their lengths, and whether the empty one was there."""
    parts = list[bytes]()
    while length := file.read(1):
        if length == b"\0":
            return b"".join((*parts, length)), True
        if keep:
            parts += [length, file.read(length[0])]
        else:
            file.seek(length[0], 1)
    return b"".join(parts), False


def plain_gif(file: BinaryIO, limits: MediaLimits) -> PlainGif:
    """Returns the animation with a graphic control and colours of its own for each image, and without a background.

    FFmpeg merges images without graphic control into one, and paints the background colour; browsers do neither. Raises
    RefusedClip for too many frames. Leaves `file` at its beginning.
    """
    file.seek(0)
    screen = read_screen(file)
    content, delays, control = BytesIO(), list[int](), _NO_CONTROL
    content.write(b"GIF89a" + screen.size + bytes(3))
    for block in read_blocks(file, with_data=True):
        if block.kind == _EXTENSION and block.label == _GRAPHIC_CONTROL and block.data[:1] == b"\x04":
            control = _EXTENSION + block.label + block.data[:5] + b"\0"
        elif block.kind == _IMAGE and len(block.label) == 9:
            delays.append(int.from_bytes(control[4:6], "little"))
            refuse_frames(len(delays), limits)
            content.write(control + _coloured(block, screen))
            control = _NO_CONTROL
    content.write(_TRAILER)
    content.seek(0)
    file.seek(0)
    return PlainGif(content, tuple(delays))


def _coloured(block: Block, screen: Screen) -> bytes:
    """Returns the image with its own colours, or else with the global ones."""
    colours, flags = block.colours, block.label[8]
    if not colours:
        colours, flags = screen.colours, flags & ~7 | screen.flags & (_HAS_COLOURS | 7)
    return _IMAGE + block.label[:8] + bytes([flags]) + colours + block.data
