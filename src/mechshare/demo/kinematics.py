"""How linkages move: where their joints are, from the angle of the crank or the place of what is moved.

Lengths are in units of the mechanism, angles in radians counter-clockwise, points are (x, y) with y upwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin, sqrt

Point = tuple[float, float]


def polar(center: Point, radius: float, angle: float) -> Point:
    return center[0] + radius * cos(angle), center[1] + radius * sin(angle)


def distance(a: Point, b: Point) -> float:
    return hypot(b[0] - a[0], b[1] - a[1])


def between(a: Point, b: Point, part: float) -> Point:
    """The point at `part` (0 to 1) of the line from `a` to `b`."""
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def turned(points: Sequence[Point], angle: float, center: Point = (0.0, 0.0)) -> list[Point]:
    """`points` rotated about (0, 0), then translated by `center`."""
    c, s = cos(angle), sin(angle)
    return [(center[0] + x * c - y * s, center[1] + x * s + y * c) for x, y in points]


@dataclass(frozen=True, slots=True)
class FourBar:
    """A crank-rocker with its crank's pivot at (0, 0) and its rocker's at (ground, 0).

    The crank turns all round because it is the shortest link and Grashof's condition holds (s + l <= p + q).
    """

    ground: float
    crank: float
    coupler: float
    rocker: float
    offset: Point
    """The coupler point: along the coupler from the crank's pin, and across it to the left."""

    def at(self, angle: float) -> tuple[Point, Point, Point]:
        """(crank pin, rocker pin, coupler point)."""
        pin = polar((0.0, 0.0), self.crank, angle)
        pivot = (self.ground, 0.0)
        reach = distance(pin, pivot)
        along = atan2(pivot[1] - pin[1], pivot[0] - pin[0])
        opening = acos((self.coupler**2 + reach**2 - self.rocker**2) / (2 * self.coupler * reach))
        direction = along + opening
        [point] = turned([self.offset], direction, pin)
        return pin, polar(pin, self.coupler, direction), point


CRANK_ROCKER = FourBar(ground=4.0, crank=1.35, coupler=3.7, rocker=2.7, offset=(1.75, 1.75))

CHEBYSHEV = FourBar(ground=2.0, crank=1.0, coupler=2.5, rocker=2.5, offset=(5.0, 0.0))
"""Chebyshev's lambda linkage (1878): the coupler's far end runs almost straight at 4 cranks above the pivots."""


@dataclass(frozen=True, slots=True)
class SliderCrank:
    """The slider's pin runs along y = offset, so it goes out and comes back in unequal times.

    The bore is part of the frame: from `bore_from` to the right, `bore` to either side of that line.
    """

    crank: float = 1.0
    rod: float = 3.4
    offset: float = -0.3
    bore: float = 0.52
    bore_from: float = 2.7

    def at(self, angle: float) -> tuple[Point, Point]:
        """(crank pin, slider pin)."""
        pin = polar((0.0, 0.0), self.crank, angle)
        return pin, (pin[0] + sqrt(self.rod**2 - (pin[1] - self.offset) ** 2), self.offset)

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest x of the slider's pin, where crank and rod are collinear."""
        near, far = (sqrt((self.rod + side * self.crank) ** 2 - self.offset**2) for side in (-1, 1))
        return near, far


@dataclass(frozen=True, slots=True)
class Peaucellier:
    """The cell of Peaucellier (1864) and Lipkin (1871): it inverts a circle through its pivot into a straight line.

    The arms turn about (0, 0), the crank about (crank, 0).
    """

    arm: float = 5.0
    side: float = 3.4
    crank: float = 1.5

    @property
    def line(self) -> float:
        """The x at which the output runs."""
        return (self.arm**2 - self.side**2) / (2 * self.crank)

    def at(self, angle: float) -> tuple[Point, Point, Point, Point]:
        """(input, output, upper joint, lower joint) for the crank at `angle` from the line of the pivots."""
        pin = polar((self.crank, 0.0), self.crank, angle)
        near = hypot(*pin)
        far = (self.arm**2 - self.side**2) / near
        direction = atan2(pin[1], pin[0])
        middle = polar((0.0, 0.0), (near + far) / 2, direction)
        half = sqrt(self.side**2 - ((far - near) / 2) ** 2)
        upper, lower = (polar(middle, half, direction + turn) for turn in (pi / 2, -pi / 2))
        return pin, polar((0.0, 0.0), far, direction), upper, lower


@dataclass(frozen=True, slots=True)
class LeafStage:
    """A stage on two parallel leaf springs, clamped at both ends: it moves without turning, and sinks a little."""

    height: float = 4.0
    span: float = 3.2
    """Between the leaves."""

    def leaf(self, travel: float, points: int = 40) -> list[Point]:
        """The bent leaf from its foot at (0, 0) to the stage: the cubic of a beam whose ends stay upright."""
        top = self.height - self.sink(travel)
        return [
            (travel * (3 * part**2 - 2 * part**3), top * part)
            for part in (number / (points - 1) for number in range(points))
        ]

    def sink(self, travel: float) -> float:
        """The stage's loss of height, to second order: 3/5 of travel squared over height."""
        return 0.6 * travel**2 / self.height
