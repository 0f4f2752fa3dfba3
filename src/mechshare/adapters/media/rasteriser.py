"""Draws triangles: from the right front and above, with a z-buffer, each in one shade of grey."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import cos, hypot, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mechshare.adapters.media.refusals import RefusedClip
from mechshare.domain.media import FailureCode

SIZE = (640, 480)
"""Width and height, in px."""
_FINER = 2
"""The pixels along a side of a pixel that are drawn and then averaged."""
_WIDTH, _HEIGHT = _FINER * SIZE[0], _FINER * SIZE[1]
_MARGIN = 0.06
"""The part of the width and height that stays free on each side."""
_TURN, _TILT = radians(30), radians(25)
_RIGHT = np.array([cos(_TURN), sin(_TURN), 0.0])
_NEAR = np.array([sin(_TURN) * cos(_TILT), -cos(_TURN) * cos(_TILT), sin(_TILT)])
_VIEW = np.stack((_RIGHT, np.cross(_NEAR, _RIGHT), _NEAR), axis=1)
"""The axes of the view: to the right, up, and towards the viewer."""
_LIGHT = np.array([-0.45, 0.55, 0.7]) / hypot(-0.45, 0.55, 0.7)
_AMBIENT = 0.3
_COLOUR, _BACKGROUND = np.array([126, 148, 172]), (238, 241, 244)
_MAX_COORDINATE = 1e30
_DEPTHS = (1 << 24) - 2
_EMPTY = np.uint32(0xFFFFFFFF)
_SAMPLES_TOGETHER = 400_000
MAX_SAMPLES = 100_000_000
"""Pixels and rows of all triangles: 80 layers as large as the picture."""

_Array = NDArray[np.float64]
_Numbers = NDArray[np.int64]


def draw(mesh: Iterable[_Array], samples: int = MAX_SAMPLES) -> Image.Image:
    """Returns the picture of all triangles, in RGB and SIZE. Iterates twice: first to see how large the model is.

    Ignores triangles with coordinates that are not finite. The time is linear in the number of triangles. Raises
    RefusedClip if there is nothing to draw, or more than `samples` pixels and rows.
    """
    canvas = _Canvas(_bounds_of(mesh), samples)
    with np.errstate(all="ignore"):  # slivers, of which no pixel is inside
        for corners in mesh:
            canvas.add(_seen(corners))
    return canvas.picture()


@dataclass(frozen=True, slots=True)
class _Bounds:
    lowest: _Array
    highest: _Array


def _bounds_of(mesh: Iterable[_Array]) -> _Bounds:
    """Returns the bounds of the model in the axes of the view. Raises RefusedClip."""
    lowest, highest = np.full(3, np.inf), np.full(3, -np.inf)
    for corners in mesh:
        seen = _seen(corners).reshape(-1, 3)
        lowest = np.minimum(lowest, seen.min(axis=0, initial=np.inf))
        highest = np.maximum(highest, seen.max(axis=0, initial=-np.inf))
    if not np.any(highest - lowest > 0):
        raise RefusedClip(FailureCode.UNREADABLE, "it has no triangle that can be seen")
    return _Bounds(lowest, highest)


def _seen(corners: _Array) -> _Array:
    """Returns the finite triangles in the axes of the view."""
    finite = (np.abs(corners) < _MAX_COORDINATE).all(axis=(1, 2))
    # `@` would call BLAS, which makes system calls that the sandbox forbids.
    return np.asarray(np.einsum("tci,iv->tcv", corners[finite], _VIEW))


class _Triangles:
    """Triangles on the canvas: their corners in px, the distances of these, and how bright they are."""

    def __init__(self, flat: _Array, distance: _Array, shades: NDArray[np.uint32]) -> None:
        self.shades = shades
        self._flat, self._first = flat, distance[:, 0]
        self._nearest, self._farthest = distance.min(axis=1), distance.max(axis=1)
        one, other = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
        rise, other_rise = distance[:, 1] - distance[:, 0], distance[:, 2] - distance[:, 0]
        area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
        self._slope_right = (rise * other[:, 1] - other_rise * one[:, 1]) / area
        self._slope_up = (other_rise * one[:, 0] - rise * other[:, 0]) / area

    def span(self, which: _Numbers, row: _Numbers) -> tuple[_Array, _Array]:
        """Returns where the middle of each row enters and leaves the triangle `which`, in px; backwards if never."""
        left, right = np.full(len(which), float(_WIDTH)), np.zeros(len(which))
        for corner in range(3):
            start, end = self._flat[which, corner], self._flat[which, (corner + 1) % 3]
            part = (row + 0.5 - start[:, 1]) / (end[:, 1] - start[:, 1])
            crossing = start[:, 0] + part * (end[:, 0] - start[:, 0])
            crosses = (part >= 0) & (part <= 1)
            left = np.where(crosses, np.minimum(left, crossing), left)
            right = np.where(crosses, np.maximum(right, crossing), right)
        return left, right

    def depth(self, which: _Numbers, column: _Numbers, row: _Numbers) -> _Array:
        """Returns how far the middle of each pixel of the triangle `which` is from the viewer."""
        depth = self._first[which] + self._slope_right[which] * (column + 0.5 - self._flat[which, 0, 0])
        depth += self._slope_up[which] * (row + 0.5 - self._flat[which, 0, 1])
        near, far = self._nearest[which], self._farthest[which]
        return np.asarray(np.clip(np.where(np.isfinite(depth), depth, near), near, far))  # slivers


class _Canvas:
    """A z-buffer. Each pixel holds its distance from the viewer, and in the last eight bits the shade: of two numbers
    the smaller one is nearer."""

    def __init__(self, bounds: _Bounds, samples: int) -> None:
        extent = bounds.highest - bounds.lowest
        room = np.array([_WIDTH, _HEIGHT]) * (1 - 2 * _MARGIN)
        self._scale = float(np.min(room / np.maximum(extent[:2], extent.max() * 1e-9)))
        middle = (bounds.lowest + bounds.highest)[:2] / 2
        self._origin = np.array([_WIDTH, _HEIGHT]) / 2 - middle * self._scale
        self._nearest, self._depth = bounds.highest[2], max(extent[2], extent.max() * 1e-9)
        self._pixels = np.full(_WIDTH * _HEIGHT, _EMPTY)
        self._left = samples

    def add(self, seen: _Array) -> None:
        """Draws triangles in the axes of the view. Raises RefusedClip."""
        flat = seen[..., :2] * self._scale + self._origin
        distance = (self._nearest - seen[..., 2]) * (_DEPTHS / self._depth)
        lowest = np.ceil(flat[..., 1].min(axis=1) - 0.5).astype(np.int64)
        counts = np.maximum(np.floor(flat[..., 1].max(axis=1) - 0.5).astype(np.int64) - lowest + 1, 0)
        triangles = _Triangles(flat, distance, _shades(seen))
        for some in _batches(counts):
            which, number = _expanded(counts[some])
            which += some.start
            self._paint_rows(triangles, which, lowest[which] + number)

    def _paint_rows(self, triangles: "_Triangles", which: _Numbers, row: _Numbers) -> None:
        """Draws of each triangle `which` the pixels of `row` whose middle is inside."""
        left, right = triangles.span(which, row)
        first = np.ceil(left - 0.5).astype(np.int64)
        counts = np.maximum(np.floor(right - 0.5).astype(np.int64) - first + 1, 0)
        self._left -= len(counts) + int(counts.sum())
        if self._left < 0:
            raise RefusedClip(FailureCode.MODEL_TOO_LARGE, "its triangles cover each other too often")
        for some in _batches(counts):
            line, number = _expanded(counts[some])
            line += some.start
            self._paint(triangles, which[line], first[line] + number, row[line])

    def _paint(self, triangles: "_Triangles", which: _Numbers, column: _Numbers, row: _Numbers) -> None:
        depth = triangles.depth(which, column, row)
        value = (np.clip(depth, 0, _DEPTHS).astype(np.uint32) << 8) | triangles.shades[which]
        np.minimum.at(self._pixels, row * _WIDTH + column, value)

    def picture(self) -> Image.Image:
        """Raises RefusedClip if nothing is drawn."""
        is_drawn = self._pixels != _EMPTY
        if not is_drawn.any():
            raise RefusedClip(FailureCode.UNREADABLE, "it has no triangle that can be seen")
        colours = np.empty((len(self._pixels), 3), np.uint8)
        colours[:] = _BACKGROUND
        shades = (self._pixels[is_drawn] & 0xFF)[:, None]
        colours[is_drawn] = np.minimum(_COLOUR * shades // 160, 255)
        upright = colours.reshape(_HEIGHT, _WIDTH, 3)[::-1]
        return Image.frombytes("RGB", (_WIDTH, _HEIGHT), upright.tobytes()).resize(SIZE, Image.Resampling.BOX)


def _shades(seen: _Array) -> NDArray[np.uint32]:
    """Returns how bright each triangle is, 0 to 255, as both of its sides are lit: files often turn some around."""
    normals = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    lit = np.abs(np.einsum("ti,i->t", normals, _LIGHT)) / np.where(lengths > 0, lengths, 1.0)
    return np.asarray(255 * (_AMBIENT + (1 - _AMBIENT) * np.minimum(lit, 1.0)), np.uint32)


def _expanded(counts: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Returns for each item, as often as it counts, its index and a number from 0."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)


def _batches(counts: _Numbers) -> Iterator[slice]:
    """Yields slices whose counts are about _SAMPLES_TOGETHER together."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(ends):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _SAMPLES_TOGETHER, "right")))
        yield slice(start, stop)
        start = stop
