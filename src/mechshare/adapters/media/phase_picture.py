"""Draws the phases of a motion: moments of one period, laid over each other."""

from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

from PIL import Image, ImageChops

from mechshare.adapters.media.loop_preview import nearest_frames
from mechshare.adapters.media.pictures import image_of

PHASES = 5
_SIDE = 640
"""The longest side in px."""
_FAINTEST = 0.35
"""How strong the first moment is; the strength rises to 1 at the last one, so that the direction shows."""
_IS_MORE = [0, *[255] * 255]
"""The mask of values above 0."""
_ENCODER = {"quality": 82, "method": 4}


def save_phases(video: BinaryIO, start: Fraction, period: Fraction, file: BinaryIO) -> None:
    """Writes a WebP of PHASES moments of the period that begins at `start`, in seconds; nothing if the video has no
    frames."""
    moments = [start + number * period / PHASES for number in range(PHASES)]
    pictures = [image_of(frame, _SIDE).copy() for frame in nearest_frames(video, moments)]
    if len(pictures) == PHASES:
        _laid_over(pictures).save(file, "WEBP", **_ENCODER)


def _laid_over(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns at each place the picture that differs most there from what most of them show."""
    ground = _median(*pictures)
    result, most = ground, Image.new("L", ground.size)
    for number, picture in enumerate(pictures, 1):
        strength = _FAINTEST + (1 - _FAINTEST) * number / len(pictures)
        moment = Image.blend(ground, picture, strength)
        differs = ImageChops.difference(moment, ground).convert("L")
        result = Image.composite(moment, result, ImageChops.subtract(differs, most).point(_IS_MORE))
        most = ImageChops.lighter(most, differs)
    return result


def _median(a: Image.Image, b: Image.Image, c: Image.Image, d: Image.Image, e: Image.Image) -> Image.Image:
    """Returns the third of the five values at each place: of four, the two in the middle decide with the fifth."""
    darker, lighter = ImageChops.darker, ImageChops.lighter
    low, high = lighter(darker(a, b), darker(c, d)), darker(lighter(a, b), lighter(c, d))
    return lighter(darker(low, high), darker(lighter(low, high), e))
