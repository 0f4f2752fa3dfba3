"""Draws the phases of a motion: moments of one period, laid over each other."""

from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

from PIL import Image, ImageChops, ImageStat

from mechshare.adapters.media.loop_preview import nearest_frames
from mechshare.adapters.media.pictures import image_of

PHASES = 5
_SIDE = 640
"""The longest side in px."""
_FAINTEST = 0.35
"""How strong the first moment is; the strength rises to 1 at the last one, so that the direction shows."""
_ENCODER = {"quality": 82, "method": 4}


def save_phases(video: BinaryIO, start: Fraction, period: Fraction, file: BinaryIO) -> None:
    """Writes a WebP of PHASES moments of the period that begins at `start`, in seconds; nothing if the video ends
    before it."""
    moments = [start + number * period / PHASES for number in range(PHASES)]
    pictures = [image_of(frame, _SIDE).copy() for frame in nearest_frames(video, moments)]
    if pictures:
        _laid_over(pictures).save(file, "WEBP", **_ENCODER)


def _laid_over(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns what is darker than a light ground, or lighter than a dark one, in any of the pictures."""
    is_light = ImageStat.Stat(pictures[0].convert("L")).median[0] >= 128
    choose = ImageChops.darker if is_light else ImageChops.lighter
    ground = Image.new("RGB", pictures[0].size, "white" if is_light else "black")
    result = ground
    for number, picture in enumerate(pictures, 1):
        strength = _FAINTEST + (1 - _FAINTEST) * number / len(pictures)
        result = choose(result, Image.blend(ground, picture, strength))
    return result
