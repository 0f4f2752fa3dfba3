"""Describes a motion by a vector that stays nearly the same under what doesn't change the motion.

Turning or mirroring the picture, another colour for each part, another size or place, another speed, direction or phase
change it little: it holds when something is at each place around the centre of the motion, as amplitudes over the
angle, and not how bright it is.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.adapters.motion.grid import binomial
from mechshare.domain.motion import OUTLINE_SIDE, VECTOR_NUMBERS

LEAST_PICTURES = 6
_ANGLES, _ORDERS, _RADII = 48, 8, 10
_FIRST_RADIUS, _RADIUS_STEP, _OUTLINE_REACH = 0.2, 0.25, 2.2
_CELLS, _REACH = 48, 2.7
"""In standard deviations of what moves from its centre. Cells are as many to a side of a square that reaches so far."""
_COARSE = 2
"""Cells to a side of those in which pictures are compared."""
_HARMONICS = (1, 2, 3)
_CURVE_WEIGHT = _SPEED_WEIGHT = 0.4
_CURVE_POINTS, _QUANTILES = 16, 8
_NEAR = 2
"""Places around one in which the strongest motion counts as full presence."""
_NOISE = 4.0
"""Grey values: a variation that is much smaller says nothing about when something is at a place."""
_REPEATED, _UNRELATED = 0.3, 0.6
"""The change of a place after a period up to which it counts fully, and from which on it does not count; 1 is the
change between any two times."""
FEATURES = (1 + len(_HARMONICS)) * _RADII * _ORDERS + _CURVE_POINTS + _QUANTILES
"""The numbers that describe a motion before they are projected."""
_SCALE = 127 / 0.5
"""The largest number of a vector of length 1 that a byte holds is 0.5."""
PROJECTION = Path(__file__).with_name("projection.bin")
"""The mean of each feature over drawn machines, then the directions that distinguish machines however they are
coloured, as `tools/motion_projection.py` writes them: (1 + VECTOR_NUMBERS) x FEATURES float32, little-endian."""


def described(pictures: Floats, period: float | None, size: tuple[float, float]) -> bytes:
    """Returns the vector and the outline: VECTOR_NUMBERS + OUTLINE_SIDE squared signed bytes.

    `pictures` is n x rows x columns, in grey values; `period` is in steps; `size` is that of the pictures in px of the
    clip.
    """
    mean, directions = projection()
    moving = _Moving.of(pictures, period)
    unit = _unit(directions @ (_features(moving, size) - mean))
    return _as_bytes(unit) + _as_bytes(_unit(_outline(moving, size)))


def _as_bytes(unit: Floats) -> bytes:
    return np.clip(np.round(unit * _SCALE), -127, 127).astype(np.int8).tobytes()


@cache
def projection() -> tuple[Floats, Floats]:
    """Returns the mean of each feature, and the directions as rows."""
    rows = np.frombuffer(PROJECTION.read_bytes(), "<f4").reshape(1 + VECTOR_NUMBERS, FEATURES)
    return rows[0], rows[1:]


def features(pictures: Floats, period: float | None, size: tuple[float, float]) -> Floats:
    """Returns the numbers that describe a motion before they are projected."""
    return _features(_Moving.of(pictures, period), size)


@dataclass(frozen=True, slots=True)
class _Moving:
    """Pictures of whole periods, n x rows x columns, each place relative to its mean; `period` is in steps, that of all
    pictures where there is none. `repeating` says for each place how far it repeats, 0..1."""

    pictures: Floats
    period: float
    repeating: Floats

    @classmethod
    def of(cls, pictures: Floats, period: float | None) -> "_Moving":
        count = _whole_periods(len(pictures), period)
        whole = pictures[:count] - pictures[:count].mean(axis=0)
        return cls(whole, period or float(count), _repeating(pictures, period))

    def around(self, centre: tuple[float, float], spread: float, size: tuple[float, float]) -> "_Moving":
        """Returns the same in a square of _CELLS x _CELLS around a centre, with a side that depends on the spread. So
        parts are as large in it as in a copy of another size or shape."""
        places = ((np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1) * _REACH * spread
        rows = _between(self.pictures.shape[1], size[1], centre[1] + places)
        columns = _between(self.pictures.shape[2], size[0], centre[0] + places)
        pictures = np.matmul(np.matmul(rows, self.pictures), columns.T)
        return _Moving(pictures, self.period, rows @ self.repeating @ columns.T)


def _between(count: int, extent: float, places: Floats) -> Floats:
    """Returns the matrix that interpolates `count` values over an extent at places in it, with 0 outside."""
    distances = (places / extent * count - 0.5)[:, None] - np.arange(count)
    weights: Floats = np.maximum(0, 1 - np.abs(distances)).astype(np.float32)
    return weights


def _features(moving: _Moving, size: tuple[float, float]) -> Floats:
    present = _smoothed(_present(moving.pictures.std(axis=0) * moving.repeating))
    near = moving.around(*_place_of(present, size), size)
    distances = _distances(near)
    parts = [_unit(np.abs(_spectrum(map))) for map in _presence_maps(near)]
    parts.append(_CURVE_WEIGHT * _unit(_half_period(distances, near.period)))
    parts.append(_SPEED_WEIGHT * _unit(_speeds(np.diagonal(distances, 1))))
    return np.concatenate([part.ravel() for part in parts])


def _distances(moving: _Moving) -> Floats:
    """Returns how different any two pictures are in what repeats, as parts of the mean."""
    side = _CELLS // _COARSE
    repeating = moving.pictures * moving.repeating
    coarse = repeating.reshape(-1, side, _COARSE, side, _COARSE).mean(axis=(2, 4)).reshape(-1, side**2)
    products = coarse @ coarse.T
    squares = np.diagonal(products)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)
    relative: Floats = distances / max(float(distances.mean()), 1e-9)
    return relative


def _whole_periods(count: int, period: float | None) -> int:
    """Returns the number of pictures in as many whole periods as there are."""
    if period is None or period > count:
        return count
    return min(count, max(LEAST_PICTURES, round(int(count / period + 0.02) * period)))


def _repeating(pictures: Floats, period: float | None) -> Floats:
    """Returns for each place 0..1: 1 if it is again the same after a period, 0 if it is as different as at any two
    times, as where a counter runs; 1 everywhere without a period, and for a clip of no more than one."""
    whole, part = int(period or 0), (period or 0) % 1
    count = len(pictures) - whole - 1
    if period is None or count < 1:
        return np.ones(pictures.shape[1:], np.float32)
    later = (1 - part) * pictures[whole : whole + count] + part * pictures[whole + 1 :]
    changed = _around(((later - pictures[:count]) ** 2).mean(axis=0)) / _around(
        2 * pictures.var(axis=0) + 1e-3
    )
    repeating: Floats = np.clip((_UNRELATED - changed) / (_UNRELATED - _REPEATED), 0, 1)
    return repeating


def _around(map: Floats) -> Floats:
    """Returns the map smoothed so far that the strokes of a digit count together."""
    return _smoothed(_smoothed(map))


def _presence_maps(moving: _Moving) -> list[Floats]:
    """Returns for each place for what part of the time something is there, and the amplitudes at one, two and three
    turns a period. Places count as far as they repeat.

    Each is relative to how much the place itself varies, so that the contrast of a part has no influence.
    """
    pictures = moving.pictures
    deviation = pictures.std(axis=0)
    reach = np.maximum(pictures.max(axis=0) - pictures.min(axis=0), 1)
    present = _present(deviation * moving.repeating)
    maps = [present * 4 * (deviation / reach) ** 2]
    turns = np.arange(len(pictures)) / moving.period
    varied = np.sqrt(deviation**2 + _NOISE**2)
    for harmonic in _HARMONICS:
        wave = np.exp(-2j * np.pi * harmonic * turns).astype(np.complex64)
        amplitude = np.sqrt(2) * np.abs(np.tensordot(wave, pictures, 1)) / len(pictures)
        maps.append(present * amplitude / varied)
    return [_smoothed(map) for map in maps]


def _present(deviation: Floats) -> Floats:
    """Returns 0..1: how much each place varies beside the places around it, so that weak and strong contrasts count
    the same and edges stay where they are. The little that noise leaves everywhere counts as nothing."""
    moving = _without_floor(deviation, 0.3)
    around = moving
    for axis in (0, 1):
        around = _maximum_near(around, axis)
    relative = np.minimum(1.3 * moving / (around + 2), 1)
    present: Floats = relative * np.clip(10 * relative - 1, 0, 1)
    return present


def _maximum_near(values: Floats, axis: int) -> Floats:
    """Returns the largest value within _NEAR places along an axis."""
    count = values.shape[axis]
    places = np.arange(count)
    shifted = [
        np.take(values, np.clip(places + shift, 0, count - 1), axis) for shift in range(-_NEAR, _NEAR + 1)
    ]
    maximum: Floats = np.max(shifted, axis=0)
    return maximum


def _without_floor(map: Floats, least: float) -> Floats:
    floor = float(np.clip(np.quantile(map, 0.25), least, 2.5))
    rest: Floats = np.maximum(0, map - 1.3 * floor)
    return rest


def _smoothed(map: Floats) -> Floats:
    return binomial(binomial(map, 0), 1)


def _place_of(weights: Floats, size: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """Returns the centre of what moves as (x, y), and its spread along an axis, in px of the clip."""
    weights = weights + 1e-9
    weights = weights / weights.sum()
    y, x = _coordinates(weights.shape, size)
    centre = float((weights * x).sum()), float((weights * y).sum())
    squares = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    return centre, max(float(np.sqrt((weights * squares).sum() / 2)), 1e-3)


def _coordinates(shape: tuple[int, ...], size: tuple[float, float]) -> tuple[Floats, Floats]:
    rows, columns = ((np.arange(count) + 0.5) / count for count in shape)
    return (rows * size[1])[:, None], (columns * size[0])[None, :]


def _spectrum(map: Floats) -> Floats:
    """Returns, for each radius around the middle, the first orders of the map's Fourier series over the angle."""
    radii = _FIRST_RADIUS + _RADIUS_STEP * np.arange(_RADII)
    angles = 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    x = _REACH + radii[:, None] * np.cos(angles)
    y = _REACH + radii[:, None] * np.sin(angles)
    series = np.fft.rfft(_sampled(map, x, y, (2 * _REACH, 2 * _REACH)), axis=1)[:, :_ORDERS]
    spectrum: Floats = series * np.sqrt(radii)[:, None]
    return spectrum


def _sampled(map: Floats, x: Floats, y: Floats, size: tuple[float, float]) -> Floats:
    """Returns the map at points in px of the clip, linearly between its places, and 0 outside."""
    rows, columns = map.shape
    column = x / size[0] * columns - 0.5 + 1
    row = y / size[1] * rows - 0.5 + 1
    padded = np.pad(map, 1)
    left = np.clip(np.floor(column).astype(int), 0, columns)
    top = np.clip(np.floor(row).astype(int), 0, rows)
    right, down = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
    upper = (1 - right) * padded[top, left] + right * padded[top, left + 1]
    lower = (1 - right) * padded[top + 1, left] + right * padded[top + 1, left + 1]
    inside = (column > 0) & (column < columns + 1) & (row > 0) & (row < rows + 1)
    return np.where(inside, (1 - down) * upper + down * lower, 0)


def _half_period(distances: Floats, period: float) -> Floats:
    """Returns the mean distance of two pictures by the time between them, up to half a period."""
    lags = np.arange(1, _CURVE_POINTS + 1) / _CURVE_POINTS * period / 2
    curve = [np.diagonal(distances, lag).mean() for lag in range(len(distances))]
    points: Floats = np.interp(lags, np.arange(len(curve)), curve)
    return points


def _speeds(steps: Floats) -> Floats:
    """Returns quantiles of the speed: a dwell shows as small ones."""
    speeds = np.sqrt(steps)
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return np.quantile(speeds, places) / max(float(speeds.mean()), 1e-9)


def _outline(moving: _Moving, size: tuple[float, float]) -> Floats:
    """Returns what moves as a small picture around its centre, in which places of equal mean have no part."""
    map = _smoothed(_without_floor(moving.pictures.std(axis=0), 0.5)) * moving.repeating
    centre, spread = _place_of(np.sqrt(map), size)
    places = ((np.arange(OUTLINE_SIDE) + 0.5) / OUTLINE_SIDE * 2 - 1) * _OUTLINE_REACH * spread
    x, y = centre[0] + places[None, :], centre[1] + places[:, None]
    small: Floats = np.sqrt(_sampled(map, x + 0 * y, y + 0 * x, size))
    small -= small.mean()
    return small


def _unit(values: Floats) -> Floats:
    unit: Floats = values / max(float(np.sqrt((values**2).sum())), 1e-9)
    return unit
