"""Chooses the part of a clip that a player repeats, so that the step over the seam looks like any other step."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from mechshare.adapters.motion.arrays import Floats

INVISIBLE = 1.1
"""A seam of up to so many usual steps is not seen."""
_MIN_SECONDS, _MAX_SECONDS = 0.8, 6.0
"""Seconds that a repeated part should last."""


@dataclass(frozen=True, slots=True)
class Cut:
    """From picture `first`, `steps` long, which need not be a whole number."""

    first: int
    steps: float
    seam: float


def whole_cut(distances: Floats, steps: float) -> Cut:
    """Returns the cut that is the whole closed clip, without a last picture that is its first one again."""
    shown = len(distances) if steps > len(distances) - 0.5 else len(distances) - 1
    return Cut(0, steps, float(_seams(np.sqrt(distances), shown)[0]))


def best_cut(distances: Floats, period: float, step: float) -> Cut | None:
    """Returns the cut of whole periods, `period` steps each, with the least visible seam; None if none fits.
    `distances` are squared."""
    rms = np.sqrt(distances)
    cuts = [cut for wanted in _lengths(period, step, len(rms)) for cut in _cuts(rms, *wanted)]
    if not cuts:
        return None
    unseen = [(cost, cut) for cost, cut in cuts if cut.seam <= INVISIBLE]
    if unseen:
        return min(unseen, key=lambda choice: choice[0])[1]
    return min((cut for _, cut in cuts), key=lambda cut: cut.seam)


def _lengths(period: float, step: float, count: int) -> Iterator[tuple[float, int]]:
    """Yields the lengths of whole periods in steps, and the numbers of pictures to show for each."""
    number = 1
    while number * period <= count + 0.5:
        seconds = number * period * step
        if number == 1 or _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            for shown in sorted({floor(number * period), ceil(number * period)}):
                if 2 <= shown <= count:
                    yield number * period, shown
        if seconds > _MAX_SECONDS:
            return
        number += 1


def _cuts(rms: Floats, steps: float, shown: int) -> list[tuple[float, Cut]]:
    """Returns the best cut with an unseen seam, and the one with the least, of this length; each with its cost."""
    seams = _seams(rms, shown)
    costs = 0.5 * np.abs(seams - 1) + _drift(rms, shown) + 0.3 * abs(shown - steps)
    chosen = {int(np.argmin(seams)), int(np.argmin(np.where(seams <= INVISIBLE, costs, np.inf)))}
    return [(float(costs[first]), Cut(first, steps, float(seams[first]))) for first in sorted(chosen)]


def _seams(rms: Floats, shown: int) -> Floats:
    """Returns for each first picture the step from the last picture shown to the first, as a multiple of a usual
    step: the quadratic mean, or the mean of the four steps nearest to the seam if it is larger."""
    firsts = np.arange(len(rms) - shown + 1)
    steps = np.diagonal(rms, 1)
    squares = np.concatenate([[0.0], np.cumsum(steps.astype(float) ** 2)])
    usual = np.sqrt((squares[firsts + shown - 1] - squares[firsts]) / (shown - 1))
    last = len(steps) - 1
    near = [firsts, np.minimum(firsts + 1, firsts + shown - 2)]
    near += [firsts + shown - 2, np.maximum(firsts + shown - 3, firsts)]
    beside = np.mean([steps[np.clip(numbers, 0, last)] for numbers in near], axis=0)
    seams: Floats = rms[firsts + shown - 1, firsts] / np.maximum(np.maximum(usual, beside), 1e-6)
    return seams


def _drift(rms: Floats, shown: int) -> Floats:
    """Returns for each first picture how different the pictures around it are from those one cut later, as a multiple
    of the mean step."""
    firsts = np.arange(len(rms) - shown + 1)
    around = []
    for offset in (-1, 0, 1):
        one = np.clip(firsts + offset, 0, len(rms) - 1)
        later = np.clip(firsts + shown + offset, 0, len(rms) - 1)
        around.append(np.where(later - one == shown, rms[one, later], np.nan))
    with np.errstate(all="ignore"):
        found = np.array(around)
        known = ~np.isnan(found)
        mean = np.where(known, found, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    drift: Floats = mean / max(float(np.diagonal(rms, 1).mean()), 1e-6)
    return drift
