"""Describes a motion by a vector that stays the same under what doesn't change the motion.

Turning or mirroring the picture, other colours, another size or place, another speed, direction or phase leave it as it
is: it holds how strongly each place moves, around the centre of what moves, as amplitudes over the angle.
"""

from functools import cache
from pathlib import Path

import numpy as np

from mechshare.adapters.motion.arrays import Floats
from mechshare.adapters.motion.grid import binomial
from mechshare.domain.motion import GREY_SIDE

NUMBERS = 488
"""The numbers of a vector, one byte each."""
OUTLINE_SIDE = 16
"""The side of the picture after the vector, which shows whether two clips are copies of one clip."""
LEAST_PICTURES = 6
_ANGLES, _ORDERS, _RADII = 48, 8, 10
_FIRST_RADIUS, _RADIUS_STEP, _OUTLINE_REACH = 0.2, 0.25, 2.2
"""In standard deviations of what moves from its centre."""
_MAP_WEIGHTS = (1.0, 0.5, 0.7, 0.4)
_SHAPE_WEIGHTS = (1.0, 0.6)
_CURVE_WEIGHT = _SPEED_WEIGHT = 0.4
_CURVE_POINTS, _QUANTILES = 16, 8
_SCALE = 127 / 0.35
"""The largest number of a vector of length 1 that a byte holds is 0.35."""
NORMALS = Path(__file__).with_name("normals.bin")
"""The mean and the standard deviation of each number over drawn linkages, as `tools/motion_normals.py` writes them:
2 x NUMBERS float32, little-endian."""


def described(
    pictures: Floats, curve: Floats, steps: Floats, period: float | None, size: tuple[int, int]
) -> bytes:
    """Returns the vector and the outline: NUMBERS + OUTLINE_SIDE squared signed bytes.

    `curve` is the mean distance by lag and `steps` the distances of neighbours, both as parts of the distance of any
    two pictures; `period` is in steps; `size` is that of the clip in px.
    """
    numbers = raw_vector(pictures, curve, steps, period, size)
    mean, deviation = normals()
    unit = _unit((numbers - mean) / deviation)
    whole = pictures[: _whole_periods(len(pictures), period)]
    outline = _unit(_outline(_moving(whole.std(axis=0)), size))
    return _as_bytes(unit) + _as_bytes(outline)


def _as_bytes(unit: Floats) -> bytes:
    return np.clip(np.round(unit * _SCALE), -127, 127).astype(np.int8).tobytes()


@cache
def normals() -> tuple[Floats, Floats]:
    """Returns the mean and the standard deviation of each number."""
    mean, deviation = np.frombuffer(NORMALS.read_bytes(), "<f4").reshape(2, NUMBERS)
    return mean, deviation


def raw_vector(
    pictures: Floats, curve: Floats, steps: Floats, period: float | None, size: tuple[int, int]
) -> Floats:
    """Returns the numbers of the vector before they are made comparable."""
    count = _whole_periods(len(pictures), period)
    whole = pictures[:count]
    maps = [_moving(map) for map in _motion_maps(whole, period or float(count))]
    centre, spread = _place_of(maps[0], size)
    spectra = [_spectrum(np.sqrt(map), centre, spread, size) for map in maps]
    parts = [weight * _unit(np.abs(spectrum)) for weight, spectrum in zip(_MAP_WEIGHTS, spectra, strict=True)]
    parts += [
        weight * _unit(_shape(spectrum))
        for weight, spectrum in zip(_SHAPE_WEIGHTS, (spectra[0], spectra[2]), strict=True)
    ]
    parts.append(_CURVE_WEIGHT * _unit(_half_period(curve, period or float(count))))
    parts.append(_SPEED_WEIGHT * _unit(_speeds(steps[: count - 1])))
    return np.concatenate([part.ravel() for part in parts])


def _whole_periods(count: int, period: float | None) -> int:
    """Returns the number of pictures in as many whole periods as there are."""
    if period is None or period > count:
        return count
    return min(count, max(LEAST_PICTURES, round(int(count / period + 0.02) * period)))


def _motion_maps(pictures: Floats, period: float) -> list[Floats]:
    """Returns for each place how much it varies, its step, and the amplitudes at one and at two turns a period."""
    steps = np.sqrt((np.diff(pictures, axis=0) ** 2).mean(axis=0))
    turns = np.arange(len(pictures)) / period
    centred = pictures - pictures.mean(axis=0)
    amplitudes = [
        2 * np.abs(np.tensordot(np.exp(-2j * np.pi * harmonic * turns).astype(np.complex64), centred, 1))
        / len(pictures)
        for harmonic in (1, 2)
    ]  # fmt: skip
    return [pictures.std(axis=0), steps, *amplitudes]


def _moving(map: Floats) -> Floats:
    """Returns the map without its floor, which is noise, and smoothed."""
    floor = float(np.clip(np.quantile(map, 0.25), 0.5, 2.5))
    return binomial(binomial(np.maximum(0, map - 1.3 * floor), 0), 1)


def _place_of(map: Floats, size: tuple[int, int]) -> tuple[tuple[float, float], float]:
    """Returns the centre of what moves as (x, y), and its spread along an axis, in px of the clip."""
    weights = np.sqrt(map) + 1e-9
    weights = weights / weights.sum()
    y, x = _coordinates(size)
    centre = float((weights * x).sum()), float((weights * y).sum())
    squares = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    return centre, max(float(np.sqrt((weights * squares).sum() / 2)), 1e-3)


def _coordinates(size: tuple[int, int]) -> tuple[Floats, Floats]:
    middle = (np.arange(GREY_SIDE) + 0.5) / GREY_SIDE
    return (middle * size[1])[:, None], (middle * size[0])[None, :]


def _spectrum(map: Floats, centre: tuple[float, float], spread: float, size: tuple[int, int]) -> Floats:
    """Returns, for each radius around the centre, the first orders of the map's Fourier series over the angle."""
    radii = (_FIRST_RADIUS + _RADIUS_STEP * np.arange(_RADII)) * spread
    angles = 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    x = centre[0] + radii[:, None] * np.cos(angles)
    y = centre[1] + radii[:, None] * np.sin(angles)
    series = np.fft.rfft(_sampled(map, x, y, size), axis=1)[:, :_ORDERS]
    spectrum: Floats = series * np.sqrt(radii / spread)[:, None]
    return spectrum


def _sampled(map: Floats, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
    """Returns the map at points in px of the clip, linearly between its places, and 0 outside."""
    column = x / size[0] * GREY_SIDE - 0.5 + 1
    row = y / size[1] * GREY_SIDE - 0.5 + 1
    padded = np.pad(map, 1)
    left = np.clip(np.floor(column).astype(int), 0, GREY_SIDE)
    top = np.clip(np.floor(row).astype(int), 0, GREY_SIDE)
    right, down = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
    upper = (1 - right) * padded[top, left] + right * padded[top, left + 1]
    lower = (1 - right) * padded[top + 1, left] + right * padded[top + 1, left + 1]
    inside = (column > 0) & (column < GREY_SIDE + 1) & (row > 0) & (row < GREY_SIDE + 1)
    return np.where(inside, (1 - down) * upper + down * lower, 0)


def _shape(spectrum: Floats) -> Floats:
    """Returns how the angles of neighbouring radii belong together, which turning and mirroring leave as it is."""
    together = (spectrum[:-1] * spectrum[1:].conj()).real
    shape: Floats = np.sign(together) * np.sqrt(np.abs(together))
    return shape


def _half_period(curve: Floats, period: float) -> Floats:
    lags = np.arange(1, _CURVE_POINTS + 1) / _CURVE_POINTS * period / 2
    return np.interp(lags, np.arange(len(curve)), curve)


def _speeds(steps: Floats) -> Floats:
    """Returns quantiles of the speed: a dwell shows as small ones."""
    speeds = np.sqrt(steps)
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return np.quantile(speeds, places) / max(float(speeds.mean()), 1e-9)


def _outline(map: Floats, size: tuple[int, int]) -> Floats:
    """Returns what moves as a small picture around its centre, in which places of equal mean have no part."""
    centre, spread = _place_of(map, size)
    places = ((np.arange(OUTLINE_SIDE) + 0.5) / OUTLINE_SIDE * 2 - 1) * _OUTLINE_REACH * spread
    x, y = centre[0] + places[None, :], centre[1] + places[:, None]
    small: Floats = np.sqrt(_sampled(map, x + 0 * y, y + 0 * x, size))
    small -= small.mean()
    return small


def _unit(values: Floats) -> Floats:
    unit: Floats = values / max(float(np.sqrt((values**2).sum())), 1e-9)
    return unit
