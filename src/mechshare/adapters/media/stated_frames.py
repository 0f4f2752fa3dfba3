"""How many frames a GIF or APNG states, found without decoding any of them."""

from typing import BinaryIO

from mechshare.adapters.media.truncation import gif_blocks
from mechshare.domain.media import MediaFormat

_IMAGE = b","


def count_stated_frames(file: BinaryIO, format: MediaFormat) -> int:
    """The number of frames by the file's own account; 0 for formats whose demuxer gives it.

    Leaves the file at its beginning. An APNG may state fewer frames than it has: count what is decoded, too.
    """
    file.seek(0)
    try:
        if format is MediaFormat.GIF:
            return sum(kind == _IMAGE for kind in gif_blocks(file))
        return _apng_frames(file) if format is MediaFormat.APNG else 0
    finally:
        file.seek(0)


def _apng_frames(file: BinaryIO) -> int:
    """The larger of what the animation control chunk (acTL) states and the frame control chunks (fcTL) that follow."""
    stated = controls = 0
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"acTL":
            stated = int.from_bytes(file.read(4), "big")
            length -= 4
        controls += head[4:] == b"fcTL"
        file.seek(max(0, length) + 4, 1)
    return max(stated, controls)
