"""Keeps small grey pictures of a clip, by which its motion is analysed."""

from fractions import Fraction
from typing import BinaryIO

from av.video.frame import VideoFrame
from PIL import Image

from mechshare.adapters.media.pictures import grey_image_of
from mechshare.domain.motion import GREY_SIDE, MAX_PICTURES

_FIRST_GAP = Fraction(8, 300)
"""Seconds: pictures of up to 30 a second are all kept, although files round their times."""


def grey_picture_of(picture: VideoFrame) -> Image.Image:
    """Returns the lightness of `picture`: large enough to show motion, too small to show noise."""
    return grey_image_of(picture, (GREY_SIDE, GREY_SIDE))


class GreyStrip:
    """At most MAX_PICTURES pictures of a clip, in 4 MiB. Of a longer one, they are further apart."""

    def __init__(self) -> None:
        self._pixels: list[bytes] = []
        self._starts: list[Fraction] = []
        self._end = Fraction(0)
        self._gap = _FIRST_GAP

    def add(self, grey: Image.Image, start: Fraction, duration: Fraction) -> None:
        """Considers the picture that is shown from `start` on, in seconds. Pictures come in order."""
        self._end = start + duration
        if self._starts and start - self._starts[-1] < self._gap:
            return
        self._pixels.append(grey.tobytes())
        self._starts.append(start)
        while len(self._starts) > MAX_PICTURES:
            self._gap *= 2
            self._thin_out()

    def _thin_out(self) -> None:
        remaining = [0]
        for number in range(1, len(self._starts)):
            if self._starts[number] - self._starts[remaining[-1]] >= self._gap:
                remaining.append(number)
        self._pixels = [self._pixels[number] for number in remaining]
        self._starts = [self._starts[number] for number in remaining]

    def described(self, width: int, height: int) -> dict[str, object]:
        """Returns the size of the clip, in px, the starts of the pictures and the end of the last one, in seconds."""
        return {
            "width": width,
            "height": height,
            "starts": [round(float(start), 6) for start in self._starts],
            "duration": round(float(self._end), 6),
        }

    def save(self, file: BinaryIO) -> None:
        file.write(b"".join(self._pixels))
