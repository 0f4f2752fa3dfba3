"""Counts the frames that a GIF or APNG states, without decoding them."""

from typing import BinaryIO

from mechshare.adapters.media.truncation import gif_blocks
from mechshare.domain.media import MediaFormat

_IMAGE = b","


def count_stated_frames(file: BinaryIO, format: MediaFormat) -> int:
    """Returns the number of frames that the file states; 0 for formats whose demuxer gives it.

    Leaves the file at its beginning. An APNG may have more frames than it states, so count decoded frames, too.
    """
    file.seek(0)
    try:
        if format is MediaFormat.GIF:
            return sum(kind == _IMAGE for kind in gif_blocks(file))
        return _apng_frames(file) if format is MediaFormat.APNG else 0
    finally:
        file.seek(0)


def _apng_frames(file: BinaryIO) -> int:
    """Returns the larger of the count in the animation control chunk (acTL) and the number of frame control chunks
    (fcTL)."""
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
