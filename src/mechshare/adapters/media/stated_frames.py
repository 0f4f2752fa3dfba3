"""Reads what an APNG states of its frames, without decoding them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.refusals import refuse_frames

_SIGNATURE_BYTES = 8
_USUAL_DENOMINATOR = 100
"""A denominator of 0 means hundredths of a second (PNG specification, 11.3.6.2)."""


@dataclass(frozen=True, slots=True)
class StatedApng:
    """The frames that an APNG states: their count, the delay of each in seconds, and the bits of a sample."""

    count: int
    delays: tuple[Fraction, ...]
    bit_depth: int


def read_apng(file: BinaryIO, limits: MediaLimits) -> StatedApng:
    """Returns the larger of the count in the animation control chunk (acTL) and the number of frame control chunks
    (fcTL), which state the delays. Raises RefusedClip for too many frames. Leaves `file` at its beginning.

    An APNG may have more frames than it states, so count decoded frames, too.
    """
    stated, depth, delays = 0, 8, list[Fraction]()
    file.seek(_SIGNATURE_BYTES)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        content = file.read(min(length, 26)) if kind in (b"IHDR", b"acTL", b"fcTL") else b""
        if kind == b"IHDR" and len(content) > 8:
            depth = content[8]
        elif kind == b"acTL":
            stated = int.from_bytes(content[:4], "big")
        elif kind == b"fcTL":
            delays.append(_delay(content))
            refuse_frames(len(delays), limits)
        file.seek(length - len(content) + 4, 1)
    file.seek(0)
    return StatedApng(max(stated, len(delays)), tuple(delays), depth)


def _delay(control: bytes) -> Fraction:
    numerator, denominator = int.from_bytes(control[20:22], "big"), int.from_bytes(control[22:24], "big")
    return Fraction(numerator, denominator or _USUAL_DENOMINATOR)
