"""The Geneva drive: a rotating pin turns a slotted wheel step by step."""

from dataclasses import dataclass
from math import acos, asin, atan2, cos, pi, sin

from mechshare.demo.kinematics import Point, polar

_CLEARANCE = 0.04


@dataclass(frozen=True, slots=True)
class Geneva:
    """An external Geneva drive: crank about (0, 0), wheel about (distance, 0), lengths in the same unit.

    Its pin enters and leaves the slots along them, so the wheel starts without a shock: the crank is
    `distance * sin(pi / slots)` long. A disc on the crank holds the wheel by a locking arc while the pin is outside.
    """

    slots: int = 6
    distance: float = 4.0
    slot_width: float = 0.34

    @property
    def crank(self) -> float:
        return self.distance * sin(pi / self.slots)

    @property
    def wheel(self) -> float:
        """The wheel's radius, at which the pin enters and leaves."""
        return self.distance * cos(pi / self.slots)

    @property
    def lock(self) -> float:
        """The radius of the wheel's locking arcs."""
        return 0.75 * self.crank

    @property
    def engaged(self) -> float:
        """The wheel moves while the crank is within this angle of the line between the shafts."""
        return pi / 2 - pi / self.slots

    def wheel_angle(self, angle: float) -> float:
        """The wheel's clockwise angle from the middle of a step, for a crank angle of -pi to pi."""
        if abs(angle) >= self.engaged:
            return pi / self.slots if angle > 0 else -pi / self.slots
        return atan2(self.crank * sin(angle), self.distance - self.crank * cos(angle))

    def wheel_outline(self) -> list[Point]:
        """About (0, 0), one slot along the x axis, counter-clockwise."""
        reach = acos((self.wheel**2 + self.distance**2 - self.lock**2) / (2 * self.wheel * self.distance))
        lip = pi / self.slots - reach
        arc_from = atan2(self.wheel * sin(lip), self.wheel * cos(lip))
        center = polar((0.0, 0.0), self.distance, pi / self.slots)
        corner = polar((0.0, 0.0), self.wheel, arc_from)
        inward = pi + pi / self.slots
        spread = abs(_wrapped(atan2(corner[1] - center[1], corner[0] - center[0]) - inward))
        half = self.slot_width / 2
        mouth = asin(half / self.wheel)
        bottom = self.distance - self.crank - _CLEARANCE
        sector = [polar((0.0, 0.0), self.wheel, angle) for angle in _steps(-lip, -mouth, 6)]
        sector += [polar((bottom, 0.0), half, angle) for angle in _steps(1.5 * pi, pi / 2, 12)]
        sector += [polar((0.0, 0.0), self.wheel, angle) for angle in _steps(mouth, lip, 6)]
        sector += [polar(center, self.lock, angle) for angle in _steps(inward + spread, inward - spread, 40)]
        turns = [2 * pi * number / self.slots for number in range(self.slots)]
        return [
            (x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn))
            for turn in turns
            for x, y in sector
        ]

    @property
    def disc(self) -> float:
        """The locking disc's radius."""
        return self.lock - _CLEARANCE

    @property
    def relief(self) -> float:
        """The disc is cut away within this distance of the point at `distance` in the pin's direction."""
        return self.wheel + _CLEARANCE

    def disc_outline(self) -> list[Point]:
        """The locking disc about (0, 0), with the pin at angle 0: cut away where the wheel's tips pass."""
        edge = acos((self.disc**2 + self.distance**2 - self.relief**2) / (2 * self.disc * self.distance))
        upper = polar((0.0, 0.0), self.disc, edge)
        sweep = atan2(upper[1], self.distance - upper[0])
        outside = [polar((0.0, 0.0), self.disc, angle) for angle in _steps(edge, 2 * pi - edge, 80)]
        cut = [polar((self.distance, 0.0), self.relief, pi + turn) for turn in _steps(sweep, -sweep, 30)]
        return outside + cut


def _steps(start: float, end: float, count: int) -> list[float]:
    return [start + (end - start) * step / count for step in range(count + 1)]


def _wrapped(angle: float) -> float:
    return (angle + pi) % (2 * pi) - pi
