"""Finds cuts to another scene."""

import numpy as np

from mechshare.adapters.motion.distances import Distances

_LARGE, _SUDDEN = 0.5, 16.0
"""A cut is this part of the mean distance of all pictures, and so many times the upper quartile of the steps."""
_MOST_OF_CLIP = 0.6


def main_shot(distances: Distances) -> tuple[int, int] | None:
    """Returns the first picture of the longest shot and the one after its last; None if it is too small a part of the
    clip to stand for it."""
    steps = distances.steps
    is_cut = (steps > _LARGE * distances.mean) & (steps > _SUDDEN * np.quantile(steps, 0.75))
    ends = [0, *(np.flatnonzero(is_cut) + 1), len(steps) + 1]
    length, first = max(zip(np.diff(ends), ends, strict=False), key=lambda shot: (shot[0], -shot[1]))
    if length < _MOST_OF_CLIP * (len(steps) + 1):
        return None
    return int(first), int(first + length)
