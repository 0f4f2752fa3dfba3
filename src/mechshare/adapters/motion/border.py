"""Finds what is inside the border of a clip: bars or a frame of one colour, which some programs put around it."""

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.domain.motion import GREY_SIDE

_EVEN = 6.0
"""Grey values by which the places of a border differ from its colour at most."""
_UNCHANGING = 8.0
"""The deviation of a place over time, in grey values, up to which it counts as noise and flicker."""
_STEP, _STEP_PART = 16.0, 0.9
"""A border ends where this part of a line differs from its colour by so many grey values. A margin that is part of the
background does not end like that, and stays."""
_BLURRED = 3
"""Lines of the small pictures within which a border ends."""
_LEAST_LEFT = 16
"""Lines of the small pictures that must be left between the borders."""


def without_border(pictures: Floats, size: tuple[int, int]) -> tuple[Floats, tuple[float, float]]:
    """Returns the part of the pictures inside the border, in the same scale, and its size in px of the clip.

    `size` is that of the clip. Pictures without a border are returned whole.
    """
    mean, deviation = pictures.mean(axis=0), pictures.std(axis=0)
    top, bottom = _inside(mean, deviation)
    left, right = _inside(mean.T, deviation.T)
    scale = size[0] / GREY_SIDE, size[1] / GREY_SIDE
    return pictures[:, top:bottom, left:right], ((right - left) * scale[0], (bottom - top) * scale[1])


def _inside(mean: Floats, deviation: Floats) -> tuple[int, int]:
    """Returns the first row inside the border above, and the one after the last row inside the border below."""
    first = _border(mean, deviation)
    end = GREY_SIDE - _border(mean[::-1], deviation[::-1])
    return (first, end) if end - first >= _LEAST_LEFT else (0, GREY_SIDE)


def _border(mean: Floats, deviation: Floats) -> int:
    """Returns the number of rows of the border above, with those in which it ends; 0 if there is none."""
    distance = np.abs(mean - np.median(mean[0]))
    differs = distance > _EVEN
    is_other = (differs | (deviation > _UNCHANGING)).any(axis=1)
    first = int(np.argmax(is_other))
    if first == 0:
        return 0
    between = differs.any(axis=0)  # the columns that are no border at a side
    ends = (distance[first : first + _BLURRED, between] > _STEP).mean(axis=1) >= _STEP_PART
    return first + int(np.argmax(ends)) + 2 if ends.any() else 0
