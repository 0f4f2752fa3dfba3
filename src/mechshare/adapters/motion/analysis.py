"""The analysis of a clip, step by step."""

import numpy as np

from mechshare.adapters.motion.border import without_border
from mechshare.adapters.motion.closing import Closing, closed_confidence, closing_of, parts_of
from mechshare.adapters.motion.cuts import main_shot
from mechshare.adapters.motion.distances import Distances, LagCurve, distances_of, lag_curve
from mechshare.adapters.motion.grid import Grid, grid_of
from mechshare.adapters.motion.loop import Cut, best_cut, whole_cut
from mechshare.adapters.motion.period import InsidePeriod, inside_period
from mechshare.adapters.motion.return_path import returns_the_way_it_came
from mechshare.adapters.motion.vector import LEAST_PICTURES, described
from mechshare.domain.motion import (
    CONFIDENT,
    GreyPictures,
    LoopCut,
    Motion,
    MotionAnalysis,
    MotionKind,
)

_LEAST_TO_COMPARE = 6
"""Pictures. Fewer say nothing about what repeats."""
_MAX_WHOLE = 6.0
"""Seconds up to which a clip that loops is repeated whole."""


def analysed(clip: GreyPictures) -> MotionAnalysis:
    """Returns what is found. The same clip gives the same figures and bytes."""
    grid = grid_of(clip)
    distances = distances_of(grid.pictures)
    if distances.is_still:
        return MotionAnalysis(motion=Motion(kind=MotionKind.STILL))
    count = len(grid.pictures)
    shot = main_shot(distances) if count >= _LEAST_TO_COMPARE else None
    if shot is None:
        return _without_period(grid, distances, (clip.width, clip.height))
    first, end = shot
    return _of_shot(
        grid.between(first, end),
        distances.between(first, end),
        first * grid.step,
        is_whole=end - first == count,
        size=(clip.width, clip.height),
    )


def _without_period(grid: Grid, distances: Distances, size: tuple[int, int]) -> MotionAnalysis:
    curve = lag_curve(distances.all)
    vector = _vector(grid, distances, None, size)
    return MotionAnalysis(
        motion=Motion(kind=MotionKind.APERIODIC), vector=vector, step=grid.step, curve=_as_tuple(curve)
    )


def _of_shot(
    grid: Grid, distances: Distances, start: float, *, is_whole: bool, size: tuple[int, int]
) -> MotionAnalysis:
    """Returns what is found in one shot, which begins at `start` in seconds; `is_whole` if it is the whole clip."""
    if len(grid.pictures) < _LEAST_TO_COMPARE or distances.mean <= 0:
        return MotionAnalysis(motion=Motion(kind=MotionKind.APERIODIC))
    curve = lag_curve(distances.all)
    inside = inside_period(distances, curve)
    closing = closing_of(distances, curve, inside)
    period, confidence = _period(distances, inside, closing)
    motion = Motion(kind=MotionKind.APERIODIC, confidence=round(confidence, 3))
    if period is not None:
        cut = _cut(grid, distances, period, closing)
        motion = _motion(grid, distances, period, confidence, closing if is_whole else None, cut, start)
    vector = _vector(grid, distances, period, size)
    return MotionAnalysis(motion=motion, vector=vector, step=grid.step, curve=_as_tuple(curve))


def _period(
    distances: Distances, inside: InsidePeriod | None, closing: Closing | None
) -> tuple[float | None, float]:
    """Returns the period in steps, None if it is too uncertain to state, and the confidence."""
    found: list[tuple[float, float]] = []
    if inside is not None:
        found.append((inside.steps, inside.confidence))
    if closing is not None:
        surest = max([closed_confidence(distances, closing), *(confidence for _, confidence in found)])
        found = [(parts_of(distances, closing, inside), surest)]
    period, confidence = found[0] if found else (None, 0.0)
    return (period if confidence >= CONFIDENT else None), confidence


def _cut(grid: Grid, distances: Distances, period: float, closing: Closing | None) -> Cut | None:
    if closing is not None and closing.steps * grid.step <= _MAX_WHOLE:
        return whole_cut(distances.fine, closing.steps)
    return best_cut(distances.fine, period, grid.step)


def _motion(
    grid: Grid,
    distances: Distances,
    period: float,
    confidence: float,
    closing: Closing | None,
    cut: Cut | None,
    start: float,
) -> Motion:
    duration = len(grid.pictures) * grid.step
    length = duration if closing is None else closing.steps * grid.step
    return Motion(
        kind=MotionKind.PERIODIC if closing is None else MotionKind.LOOP,
        period=round(period * grid.step, 4),
        cycles=round(length / (period * grid.step), 2),
        loops=closing is not None,
        cut=_in_seconds(cut, grid.step, start, duration) if cut else None,
        seam=round(cut.seam, 2) if cut else None,
        confidence=round(confidence, 3),
        there_and_back=returns_the_way_it_came(distances.all, period, is_closed=closing is not None),
    )


def _in_seconds(cut: Cut, step: float, start: float, duration: float) -> LoopCut:
    first = cut.first * step
    return LoopCut(
        start=round(start + first, 4), end=round(start + min(first + cut.steps * step, duration), 4)
    )


def _vector(grid: Grid, distances: Distances, period: float | None, size: tuple[int, int]) -> bytes | None:
    if len(grid.pictures) < LEAST_PICTURES or distances.mean <= 0:
        return None
    pictures, inner = without_border(grid.settled(), size)
    return described(pictures, period, inner)


def _as_tuple(curve: LagCurve) -> tuple[float, ...]:
    return tuple(np.round(curve.relative, 4).tolist())
