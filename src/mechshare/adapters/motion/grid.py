"""Brings the pictures of a clip onto a grid of equal time steps, and takes flicker and shake out of them."""

from dataclasses import dataclass

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.domain.motion import GREY_SIDE, MAX_PICTURES, GreyPictures

_EVEN = 0.25
"""Gaps that differ from their mean by no larger part count as equal."""
_SHORTEST_STEP = 1 / 30
_DARK = 32.0
"""Grey values below this one say little about how bright a picture is."""
_FLICKER = (0.8, 1.25)
"""The brightness, as a part of the mean, that is taken for flicker; a fade goes further."""
_MAX_SHIFT = 1.5
"""The largest shake that is taken out, in px of the small pictures."""
_MOVED = 4.0
"""A difference, in grey values, that is due to motion rather than to shake."""
_CHUNK = 64
"""Pictures that are steadied together, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`pictures` is n x 64 x 64, in grey values, one every `step` seconds, so that n steps are the whole duration.

    They are steadied: `shifts` is n x 2, by how many px each was shifted from the mean picture, and `slopes` 64 x 64 x
    2, the grey values by which that changes with a px.
    """

    pictures: Floats
    step: float
    shifts: Floats
    slopes: Floats

    def between(self, first: int, end: int) -> "Grid":
        """Returns only the pictures from `first` to before `end`."""
        return Grid(self.pictures[first:end], self.step, self.shifts[first:end], self.slopes)

    def settled(self) -> Floats:
        """Returns the pictures, with each place as it was before they were steadied where it varied less.

        A large motion is taken for a little shake, so that edges that stand still seem to move in steadied pictures.
        """
        shaken = self.pictures - np.tensordot(self.shifts, self.slopes, (1, 2))
        is_calmer = shaken.std(axis=0) < self.pictures.std(axis=0)
        settled: Floats = np.where(is_calmer, shaken, self.pictures)
        return settled


def grid_of(clip: GreyPictures) -> Grid:
    """Returns the pictures of the clip at equal steps of time, without flicker and shake."""
    pixels = np.frombuffer(clip.pixels, np.uint8).reshape(-1, GREY_SIDE, GREY_SIDE)
    chosen, step = _at_equal_steps(np.asarray(clip.starts), clip.duration)
    return _steadied(_blurred(pixels[chosen].astype(np.float32)), step)


def _at_equal_steps(starts: Floats, duration: float) -> tuple[np.ndarray, float]:
    """Returns the numbers of the pictures that are shown at equal steps, and the step in seconds."""
    gaps = np.diff(starts, append=duration)
    if np.all(np.abs(gaps - gaps.mean()) <= _EVEN * gaps.mean()):
        return np.arange(len(starts)), duration / len(starts)
    count = round(duration / max(float(np.median(gaps)), _SHORTEST_STEP))
    count = min(max(count, 1), MAX_PICTURES)
    step = duration / count
    moments = (np.arange(count) + 0.5) * step
    return np.maximum(np.searchsorted(starts, moments, side="right") - 1, 0), step


def _blurred(pictures: Floats) -> Floats:
    """Returns the pictures after a binomial blur of 3 x 3 px."""
    for axis in (1, 2):
        pictures = binomial(pictures, axis)
    return pictures


def binomial(values: Floats, axis: int) -> Floats:
    """Returns (previous + 2 x own + next) / 4 along an axis; beyond the border, the border's value continues."""
    count = values.shape[axis]
    before = np.take(values, np.maximum(np.arange(count) - 1, 0), axis)
    after = np.take(values, np.minimum(np.arange(count) + 1, count - 1), axis)
    blurred: Floats = (before + 2 * values + after) / 4
    return blurred


def _steadied(pictures: Floats, step: float) -> Grid:
    """Returns the pictures as bright and as placed as their mean. Equal pictures stay equal."""
    mean = pictures.mean(axis=0)
    evened = pictures / _brightness(pictures, mean)[:, None, None]
    mean = evened.mean(axis=0)
    slopes = np.stack(np.gradient(mean), axis=2)
    flat_slopes = slopes.reshape(-1, 2)
    shifts = np.zeros((len(evened), 2), np.float32)
    for first in range(0, len(evened), _CHUNK):
        chunk = evened[first : first + _CHUNK]
        found = _shifts((chunk - mean).reshape(len(chunk), -1), flat_slopes)
        shifts[first : first + _CHUNK] = found
        chunk += (found @ flat_slopes.T).reshape(chunk.shape)
    return Grid(evened, step, shifts, slopes)


def _brightness(pictures: Floats, mean: Floats) -> Floats:
    """Returns how bright each picture is, as a multiple of the mean."""
    bright = mean >= _DARK
    if not bright.any():
        return np.ones(len(pictures), np.float32)
    ratios = [np.median(picture[bright] / mean[bright]) for picture in pictures]
    return np.clip(np.asarray(ratios, np.float32), *_FLICKER)


def _shifts(differences: Floats, slopes: Floats) -> Floats:
    """Returns how far each picture is shifted from the mean, in px, as (y, x). What moves has little weight."""
    shifts = np.zeros((len(differences), 2), np.float32)
    for _ in range(3):
        left = differences + shifts @ slopes.T
        weights = 1 / (1 + (left / _MOVED) ** 2)
        normal = np.einsum("np,pa,pb->nab", weights, slopes, slopes, optimize=True) + 1e-3 * np.eye(2)
        right = (weights * differences) @ slopes
        shifts = np.clip(-np.linalg.solve(normal, right[..., None])[..., 0], -_MAX_SHIFT, _MAX_SHIFT)
        shifts = shifts.astype(np.float32)
    return shifts
