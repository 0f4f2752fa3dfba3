"""Whether the end of a clip leads to its beginning, how long the whole then lasts, and how many equal parts it has."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.adapters.motion.blocks import PART_OF_LOOP, UNEVEN_PART_OF_LOOP, Blocks
from mechshare.adapters.motion.distances import Distances, LagCurve, Shape
from mechshare.adapters.motion.period import InsidePeriod

_JUMP, _JUMP_OF_MEAN, _FAR = 1.8, 0.002, 0.45
"""The closing step may be so many usual steps and this part of the distance of any two pictures; unless a period is
known, it may never be more than the last part of it."""
_CHAOTIC = 0.7
"""Mean steps of a larger part of the distance of any two pictures are no motion that could close."""
_BY_CHANCE = 0.3
_GOOD_INSIDE, _BETTER_INSIDE = 0.2, 0.15
_SAME = 0.05
"""A step of a smaller part of a usual one is none."""
_MOST_PARTS = 60


@dataclass(frozen=True, slots=True)
class Closing:
    """`steps` is the length of the closed whole, and `chance` how often pictures that are far apart in time are as near
    to each other as the end is to the beginning."""

    steps: float
    chance: float


def closing_of(distances: Distances, curve: LagCurve, inside: InsidePeriod | None) -> Closing | None:
    """Returns how the clip closes; None if its end does not lead to its beginning."""
    count, step = len(distances.all), float(distances.all[-1, 0])
    usual = _usual_step(distances.steps)
    if step > _JUMP * usual + _JUMP_OF_MEAN * distances.mean:
        return None
    chance = _chance(distances.all, max(step, usual))
    if inside is not None and inside.left < _GOOD_INSIDE:
        if not _is_whole_number(count, inside.steps):
            return None
    elif (
        step > _FAR * distances.mean
        or chance > _BY_CHANCE
        or distances.steps.mean() > _CHAOTIC * distances.mean
    ):
        return None
    return Closing(count - 1 + _last_step(distances, curve), chance)


def _usual_step(steps: Floats) -> float:
    """Returns the largest of the mean step and the four first and last ones, without outliers."""
    mean = float(steps.mean())
    cap = 8 * max(float(np.median(steps)), 0.1 * mean)
    return max(min(float(step), cap) for step in (*steps[:4], *steps[-4:], mean))


def _chance(distances: Floats, near: float) -> float:
    far = np.triu_indices(len(distances), max(1, len(distances) // 4))
    return float((distances[far] <= near).mean())


def _is_whole_number(count: int, period: float) -> bool:
    number = max(1, round(count / period))
    return abs(count - number * period) <= 0.8 + 0.005 * count


def _last_step(distances: Distances, curve: LagCurve) -> float:
    """Returns how many steps it is from the last picture to the first: 0 if they are the same moment."""
    all, step = distances.all, float(distances.steps.mean())
    if all[-1, 0] <= _SAME * step:
        is_pause = all[-2, 0] <= _SAME * step
        is_turning_point = all[-2, 1] <= 0.3 * all[-2, 0]
        return 1.0 if is_pause or is_turning_point else 0.0
    return _fitted_last_step(all, Shape(curve.mean))


def _fitted_last_step(all: Floats, shape: Shape) -> float:
    """Returns the step that the distances across the seam fit best, at the speed beside it; 1 unless another fits much
    better."""
    pairs = [(a, b) for a, b in product(range(3), repeat=2) if a + b <= 2]
    beside = np.mean([all[0, 1], all[1, 2], all[-2, -1], all[-3, -2]]) - shape.noise
    speed = max(float(beside), 1e-12) / max(float(shape.at(np.array(1.0))), 1e-12)
    seen = np.sqrt([max(0.0, float(all[-1 - a, b]) - shape.noise) / speed for a, b in pairs])
    steps = np.append(np.arange(-0.5, 1.601, 0.05), 1.0)
    apart = np.array([a + b for a, b in pairs])
    costs = ((np.sqrt(shape.at(steps[:, None] + apart)) - seen) ** 2).sum(axis=1)
    best = int(np.argmin(costs))
    return float(steps[best]) if costs[best] < 0.35 * costs[-1] else 1.0


def parts_of(distances: Distances, closing: Closing, inside: InsidePeriod | None) -> float:
    """Returns the period of a closed clip in steps: the whole divided by the number of its equal parts."""
    whole = closing.steps
    if inside is not None:
        parts = max(1, round(whole / inside.steps))
        if abs(whole / parts - inside.steps) <= 0.01 * inside.steps:
            return whole / parts
        if inside.left < _BETTER_INSIDE:
            return inside.steps
    return whole / _number_of_parts(distances, whole)


def _number_of_parts(distances: Distances, whole: float) -> int:
    count = min(len(distances.all), max(2, round(whole)))
    looped = distances.all[:count, :count]
    curve = circular_curve(looped)
    blocks, shape = Blocks(distances.pictures[:count], is_closed=True), Shape(curve)
    for parts in range(min(_MOST_PARTS, count // 3), 1, -1):
        lag = round(whole / parts)
        misfit, hump = abs(whole / parts - lag), float(curve[: lag + 1].max())
        limit = min(0.3 * hump, shape.noise + 1.5 * float(shape.at(np.array(misfit))) + 0.05 * hump)
        tolerance = PART_OF_LOOP if misfit < 0.02 else UNEVEN_PART_OF_LOOP
        if curve[lag] <= limit and blocks.agree(float(lag), None, tolerance):
            return parts
    return 1


def circular_curve(looped: Floats) -> Floats:
    """Returns by lag the mean distance of pictures so far apart, where the first follows the last."""
    own = np.arange(len(looped))
    return np.array([looped[own, (own + lag) % len(looped)].mean() for lag in own])


def closed_confidence(distances: Distances, closing: Closing) -> float:
    hump = float(circular_curve(distances.all).max()) / distances.mean
    return min(1.0, hump / 0.6) * float(np.clip(1.15 - 2 * closing.chance, 0, 1))
