"""Whether every place of the picture repeats after a number of steps, and not only most of them.

A wheel whose teeth stand where the next ones stood looks almost as at the start, but its mark is elsewhere: a period
must bring back the mark, too.
"""

from dataclasses import dataclass

import numpy as np

from mechshare.adapters.motion.arrays import Floats

_BLOCKS = 8
"""Blocks to a side of the picture."""
_MOVING = 0.02
"""A block whose variance is a smaller part of the largest one does not count."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many of the blocks, by their part of all variance, may be `first[0]` and `second[0]` worse."""

    first: tuple[float, float]
    second: tuple[float, float]


STRICT = Tolerance((0.3, 0.06), (0.6, 0.02))
NEAR_BEST = Tolerance((0.45, 0.12), (0.6, 0.06))
"""For a lag that, over the whole picture, is almost as good as the best."""
PART_OF_LOOP = Tolerance((0.3, 0.06), (0.6, 0.02))
UNEVEN_PART_OF_LOOP = Tolerance((0.5, 0.06), (0.8, 0.02))
"""For a part of a loop that is no whole number of steps."""


class Blocks:
    """The places of the picture of a clip. `is_closed` clips continue with their first picture."""

    def __init__(self, pictures: Floats, *, is_closed: bool = False) -> None:
        self._pictures = pictures
        self._is_closed = is_closed
        variance = _by_block(pictures.var(axis=0))
        self._moves = variance > _MOVING * max(float(variance.max()), 1e-9)
        self._variance = variance[self._moves]
        self._share = self._variance / max(float(self._variance.sum()), 1e-9)
        self._one_step = self._left(1.0)

    def agree(self, lag: float, best: float | None, tolerance: Tolerance) -> bool:
        """Whether the blocks are back after `lag` steps, almost as well as after `best` steps, if given."""
        worse = self._left(lag) - 0.5 * np.minimum(self._one_step, 0.8)
        if best is not None:
            worse = worse - self._left(best)
        return all(
            float(self._share[worse > limit].sum()) <= part
            for limit, part in (tolerance.first, tolerance.second)
        )

    def _left(self, lag: float) -> Floats:
        """Returns how different each block is after `lag` steps: 0 if equal, 1 if as different as at any two times."""
        whole, part = int(lag), lag - int(lag)
        later = self._later(whole)
        if part > 1e-6:
            following = self._later(whole + 1)
            later = (1 - part) * later[: len(following)] + part * following
        difference = later - self._pictures[: len(later)]
        squared = np.einsum("nyx,nyx->yx", difference, difference) / len(difference)
        left: Floats = _by_block(squared)[self._moves] / (2 * self._variance)
        return left

    def _later(self, lag: int) -> Floats:
        return np.roll(self._pictures, -lag, axis=0) if self._is_closed else self._pictures[lag:]


def _by_block(map: Floats) -> Floats:
    side = map.shape[0] // _BLOCKS
    mean: Floats = map.reshape(_BLOCKS, side, _BLOCKS, side).mean(axis=(1, 3))
    return mean
