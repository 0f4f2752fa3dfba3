"""How different the pictures of a clip are from each other, and how that depends on the time between them."""

from dataclasses import dataclass

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.domain.motion import GREY_SIDE

_COARSE = 4
"""Px of the fine pictures to a side of a coarse pixel."""
_STILL = 0.02
"""The mean squared difference, in grey values squared, below which nothing moves."""
_COARSE_PART, _COARSE_LEAST = 0.02, 0.05
"""Coarse pictures count if they show this part of the difference of fine ones, and more than noise."""
_FEW_OTHERS = 0.1


@dataclass(frozen=True, slots=True)
class Distances:
    """`all` is n x n: how different two pictures are, as their mean squared difference at one scale or the sum of two.

    `fine` is the mean squared difference of only the fine pictures, in grey values squared. `pictures` are those in
    which places are compared.
    """

    all: Floats
    fine: Floats
    pictures: Floats

    @property
    def mean(self) -> float:
        return float(self.all.mean())

    @property
    def steps(self) -> Floats:
        """From each picture to the next."""
        return np.diagonal(self.all, 1)

    @property
    def is_still(self) -> bool:
        return float(self.fine.mean()) < _STILL

    def between(self, first: int, last: int) -> "Distances":
        """Returns the distances of only the pictures from `first` to before `last`."""
        part = slice(first, last)
        return Distances(self.all[part, part], self.fine[part, part], self.pictures[part])


def distances_of(pictures: Floats) -> Distances:
    """Returns the distances at two scales, so that teeth and large links both count, where coarse ones show motion."""
    coarse = _coarse(pictures)
    fine_distances, coarse_distances = _squared(pictures), _squared(coarse)
    fine_mean, coarse_mean = float(fine_distances.mean()), float(coarse_distances.mean())
    if coarse_mean > max(_COARSE_PART * fine_mean, _COARSE_LEAST):
        both = fine_distances / fine_mean + coarse_distances / coarse_mean
        return Distances(both, fine_distances, coarse)
    return Distances(fine_distances, fine_distances, pictures)


def _coarse(pictures: Floats) -> Floats:
    side = GREY_SIDE // _COARSE
    mean: Floats = pictures.reshape(-1, side, _COARSE, side, _COARSE).mean(axis=(2, 4))
    return mean


def _squared(pictures: Floats) -> Floats:
    """Returns the mean squared difference of each pair, by one product of matrices."""
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(axis=0)
    products = flat @ flat.T
    norms = np.diagonal(products)
    squared: Floats = np.maximum(norms[:, None] + norms[None, :] - 2 * products, 0) / flat.shape[1]
    np.fill_diagonal(squared, 0)
    return squared


@dataclass(frozen=True, slots=True)
class LagCurve:
    """By lag in steps: `mean` is the mean distance of pictures so far apart, `relative` that as a part of the distance
    of any two pictures among which they are taken. Comparing with these instead of with all lets a little more than
    one period suffice, and pauses do no harm."""

    mean: Floats
    relative: Floats


def lag_curve(distances: Floats) -> LagCurve:
    count = len(distances)
    mean = np.array([np.diagonal(distances, lag).mean() for lag in range(count)])
    unrelated = _unrelated(distances)
    known = unrelated > _FEW_OTHERS * float(distances.mean())
    relative = np.where(known, mean / np.where(known, unrelated, 1), 1.0)
    return LagCurve(mean, relative)


def _unrelated(distances: Floats) -> Floats:
    """Returns for each lag k the mean distance between the first n - k pictures and the last n - k."""
    count = len(distances)
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    lags = np.arange(count)
    rest = count - lags
    total = sums[rest, count] - sums[rest, lags]
    mean: Floats = total / rest**2
    return mean


class Shape:
    """How the distance grows with the time between two pictures: a power law below one step, of an exponent 1..2 that
    depends on how sharp the moving edges are, and as measured up to four steps. Noise, which two pictures never
    share, is taken off."""

    def __init__(self, mean: Floats) -> None:
        near = np.asarray(mean[1:5], dtype=float)
        near = np.pad(near, (0, 4 - len(near)), mode="edge") if len(near) else np.ones(4)
        self.noise = float(np.clip(2 * near[0] - near[1], 0, 0.9 * near[0]))
        self._near = np.maximum(near - self.noise, 1e-12)
        self._exponent = float(np.clip(np.log2(self._near[1] / self._near[0]), 1, 2))

    def at(self, steps: Floats) -> Floats:
        """Returns the distance after these numbers of steps, which need not be whole, without noise."""
        steps = np.abs(steps)
        below = self._near[0] * np.minimum(steps, 1) ** self._exponent
        beyond = np.interp(steps, (1, 2, 3, 4), self._near)
        return np.where(steps < 1, below, beyond)
