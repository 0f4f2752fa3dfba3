"""Chooses and writes the thumbnail of a clip."""

from collections.abc import Mapping
from fractions import Fraction
from typing import IO, Any

from av.video.frame import VideoFrame
from PIL import Image, ImageChops, ImageFilter, ImageStat

from mechshare.adapters.media.pictures import grey_image_of, image_of, size_within

THUMBNAIL_SIDE = 640
THUMBNAIL_ENCODER: Mapping[str, Any] = {"quality": 82, "method": 4}
_SHARPNESS_SIDE = 256
"""The longest side of the picture whose sharpness is measured, in px: blur by motion disappears in a smaller one."""
_CUT = 32.0
"""A mean difference between frames, of grey values 0..255, that only a cut to another scene makes."""
_STILL = 0.05
"""The change that counts for a frame without any, so that the sharpest frame of a still clip is chosen."""


_ROUNDING = Fraction(1, 2000)
"""How much later a frame may start than a moment that was rounded to milliseconds, in seconds."""


class Thumbnail:
    """Chooses the frame with the largest product of change and sharpness, the first if several; ignores cuts.

    If `at` is given, chooses the frame that is shown at that time, in seconds from the start of the clip.
    """

    def __init__(self, at: Fraction | None = None) -> None:
        self._at = at
        self._previous: Image.Image | None = None
        self._best = -1.0
        self._chosen: VideoFrame | None = None

    def add(self, picture: VideoFrame, start: Fraction, grey: Image.Image) -> None:
        """Considers the picture that is shown from `start`, whose lightness is `grey`. Pictures come in order."""
        if self._at is not None:
            if self._chosen is None or start <= self._at + _ROUNDING:
                self._chosen = picture
            return
        score = self._change_to(grey) * _sharpness_of(picture)
        if score > self._best:
            self._best = score
            self._chosen = picture

    def _change_to(self, grey: Image.Image) -> float:
        change = ImageStat.Stat(ImageChops.difference(grey, self._previous or grey)).mean[0]
        self._previous = grey
        return _STILL + (float(change) if change < _CUT else 0.0)

    def save(self, file: IO[bytes]) -> None:
        if self._chosen is None:
            raise ValueError("no frame was seen")
        image = image_of(self._chosen).copy()
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        image.save(file, "WEBP", **THUMBNAIL_ENCODER)


def _sharpness_of(picture: VideoFrame) -> float:
    """Returns the standard deviation of the edges, 0 for a blank picture."""
    size = size_within(picture.width, picture.height, _SHARPNESS_SIDE)
    edges = grey_image_of(picture, size).filter(ImageFilter.FIND_EDGES)
    if min(edges.size) > 2:  # the filter leaves the border as it was
        edges = edges.crop((1, 1, edges.width - 1, edges.height - 1))
    return float(ImageStat.Stat(edges).stddev[0])
