"""Finds a period inside a clip: after how many steps, not always a whole number, its pictures come back."""

from dataclasses import dataclass

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.adapters.motion.blocks import NEAR_BEST, STRICT, Blocks
from mechshare.adapters.motion.distances import Distances, LagCurve, Shape

_SHORTEST = 3
"""Steps. A shorter period can't be distinguished from others."""
_OVERLAP, _MULTIPLE_OVERLAP = 0.12, 0.10
"""The parts of a clip that must be left to compare after a period, and after several of them."""
_LEAST_HUMP = 0.35
"""How different pictures must become before they come back."""
_BACK, _BACK_OF_HUMP, _SURE = 0.4, 0.45, 0.32
"""How different they may be when they are back: at all, as a part of how different they became, and the best."""
_TIE = 0.04
_MULTIPLE_WORSE = 0.15
_MOST_TRIED = 24
_FINE = np.arange(-1, 1.0001, 0.02)


@dataclass(frozen=True, slots=True)
class InsidePeriod:
    """`steps` is the period; `left` is how different pictures are after it and `hump` how different before, where 1 is
    any two pictures. `confidence` is 0..1."""

    steps: float
    left: float
    hump: float
    confidence: float


def inside_period(distances: Distances, curve: LagCurve) -> InsidePeriod | None:
    """Returns the period, or None if nothing repeats."""
    count, relative = len(distances.all), curve.relative
    humps = np.maximum.accumulate(relative)
    candidates = _candidates(relative, humps)
    if not len(candidates) or relative[candidates].min() > _SURE:
        return None
    lag = _smallest_that_agrees(distances, curve, humps, candidates)
    shape = Shape(curve.mean)
    steps = _by_multiples(curve, shape, _place(curve.mean, shape, lag), lag)
    left, hump = float(relative[lag]), float(humps[lag])
    confidence = (hump - left) / hump * min(1.0, (count - steps) / (0.35 * steps))
    return InsidePeriod(steps, left, hump, confidence)


def _candidates(relative: Floats, humps: Floats) -> np.ndarray:
    """Returns the lags at which the curve has come down to a minimum."""
    count = len(relative)
    last = int(count - max(3, _OVERLAP * count))
    lags = np.arange(_SHORTEST, min(last, count - 2) + 1)
    if not len(lags):
        return lags
    own = relative[lags]
    is_minimum = (own <= relative[lags - 1]) & (own < relative[lags + 1])
    is_back = (humps[lags] >= _LEAST_HUMP) & (own <= np.minimum(_BACK, _BACK_OF_HUMP * humps[lags]))
    chosen: np.ndarray = lags[is_minimum & is_back]
    return chosen


def _smallest_that_agrees(
    distances: Distances, curve: LagCurve, humps: Floats, candidates: np.ndarray
) -> int:
    """Returns the smallest lag that is almost as good as the best, and at which every place of the picture is back:
    neither half a turn nor one tooth; the best one if there is none."""
    best = int(candidates[np.argmin(curve.relative[candidates])])
    step = min(0.6 * float(curve.mean[1]) / distances.mean, 0.3)
    good = candidates[curve.relative[candidates] <= curve.relative[best] + step + 0.08 * humps[candidates]]
    blocks = Blocks(distances.pictures)
    best_place = _vertex(curve.relative, best)
    for lag in good[good < best][:_MOST_TRIED]:
        is_near = curve.relative[lag] <= curve.relative[best] + _TIE
        tolerance = NEAR_BEST if is_near else STRICT
        if blocks.agree(_vertex(curve.relative, int(lag)), best_place, tolerance):
            return int(lag)
    return best


def _vertex(curve: Floats, lag: int) -> float:
    """Returns the lag of the minimum of the parabola through the curve at `lag` and at its neighbours."""
    before, own, after = (float(value) for value in curve[lag - 1 : lag + 2])
    bend = before - 2 * own + after
    return lag + (float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend > 0 else 0.0)


def _place(mean: Floats, shape: Shape, lag: int) -> float:
    """Returns the minimum of the curve near `lag` to a fiftieth of a step: where the curve's own shape around 0, moved
    there and scaled, fits best."""
    lags = np.arange(max(1, lag - 2), min(len(mean) - 1, lag + 2) + 1)
    places = lag + _FINE
    shapes = shape.at(lags[None, :] - places[:, None])
    costs = _misfits(np.asarray(mean[lags], dtype=float), shapes)
    return float(places[np.argmin(costs)])


def _misfits(values: Floats, shapes: Floats) -> Floats:
    """Returns for each shape the squared misfit of a + b x shape to the values, with a >= 0 and b within 0.3..1.5."""
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    squares = np.maximum((centred**2).sum(axis=1), 1e-12)
    scale = np.clip((centred * values).sum(axis=1) / squares, 0.3, 1.5)
    base = values.mean() - scale * shapes.mean(axis=1)
    through_zero = np.clip(
        (shapes * values).sum(axis=1) / np.maximum((shapes**2).sum(axis=1), 1e-12), 0.3, 1.5
    )
    scale, base = np.where(base < 0, through_zero, scale), np.maximum(base, 0)
    misfits: Floats = ((values - base[:, None] - scale[:, None] * shapes) ** 2).sum(axis=1)
    return misfits


def _by_multiples(curve: LagCurve, shape: Shape, steps: float, lag: int) -> float:
    """Returns the period as the longest run of periods divided by their number, which is more exact than one."""
    count, first = len(curve.mean), float(curve.relative[lag])
    number = 2
    while count - number * steps >= max(3, _MULTIPLE_OVERLAP * count):
        expected = number * steps
        near = np.arange(int(np.ceil(expected - 1.2)), int(np.floor(expected + 1.2)) + 1)
        near = near[near < count - 1]
        best = int(near[np.argmin(curve.relative[near])])
        if curve.relative[best] > first + _MULTIPLE_WORSE:
            break
        steps = _place(curve.mean, shape, best) / number
        number += 1
    return steps
