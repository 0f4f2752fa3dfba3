"""How the demonstration's mechanisms move: positions from the angle of what drives them.

Lengths are in units of the drawing, angles in radians, points are (x, y) with y upwards.
"""

from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin, sqrt, tan

Point = tuple[float, float]


def polar(center: Point, radius: float, angle: float) -> Point:
    return center[0] + radius * cos(angle), center[1] + radius * sin(angle)


def distance(a: Point, b: Point) -> float:
    return hypot(b[0] - a[0], b[1] - a[1])


@dataclass(frozen=True, slots=True)
class FourBar:
    """A crank-rocker: the shortest link turns all round while Grashof's condition holds (s + l <= p + q)."""

    ground: float = 4.0
    crank: float = 1.3
    coupler: float = 3.6
    rocker: float = 2.6
    offset: Point = (1.9, 1.7)
    """The coupler point, along and across the coupler from the crank's pin."""

    def at(self, angle: float) -> tuple[Point, Point, Point]:
        """(crank pin, rocker pin, coupler point)."""
        pin = polar((0.0, 0.0), self.crank, angle)
        pivot = (self.ground, 0.0)
        reach = distance(pin, pivot)
        along = atan2(pivot[1] - pin[1], pivot[0] - pin[0])
        opening = acos((self.coupler**2 + reach**2 - self.rocker**2) / (2 * self.coupler * reach))
        direction = along + opening
        rocker = polar(pin, self.coupler, direction)
        across = polar(pin, self.offset[0], direction)
        return pin, rocker, polar(across, self.offset[1], direction + pi / 2)


@dataclass(frozen=True, slots=True)
class SliderCrank:
    """In line: the slider runs along the x axis through the crank's shaft."""

    crank: float = 1.0
    rod: float = 3.0

    def at(self, angle: float) -> tuple[Point, Point]:
        """(crank pin, slider pin)."""
        pin = polar((0.0, 0.0), self.crank, angle)
        return pin, (pin[0] + sqrt(self.rod**2 - pin[1] ** 2), 0.0)


@dataclass(frozen=True, slots=True)
class Geneva:
    """An external Geneva drive whose pin enters and leaves its slots along them, so that the wheel starts without a
    shock: the crank is `distance * sin(pi / slots)` long."""

    slots: int = 6
    distance: float = 4.0

    @property
    def crank(self) -> float:
        return self.distance * sin(pi / self.slots)

    @property
    def wheel(self) -> float:
        return self.distance * cos(pi / self.slots)

    @property
    def engaged(self) -> float:
        """The wheel moves while the crank is within this angle of the line between the shafts."""
        return pi / 2 - pi / self.slots

    def wheel_angle(self, angle: float) -> float:
        """How far the wheel has turned since the middle of a step, for a crank angle of -pi to pi from that line."""
        if abs(angle) >= self.engaged:
            return pi / self.slots if angle > 0 else -pi / self.slots
        return atan2(self.crank * sin(angle), self.distance - self.crank * cos(angle))


@dataclass(frozen=True, slots=True)
class PlanetaryGear:
    """Sun driven, ring held, carrier driven. ring = sun + 2 planet, and sun + ring divides by the planets' number."""

    sun: int = 18
    planet: int = 12
    planets: int = 3

    @property
    def ring(self) -> int:
        return self.sun + 2 * self.planet

    @property
    def ratio(self) -> float:
        """Turns of the sun for one of the carrier (Willis)."""
        return 1 + self.ring / self.sun

    @property
    def ring_angle(self) -> float:
        """Where a space of the ring stands, so that it meshes with a planet whose sun stands at 0."""
        pitch = 2 * pi / self.ring
        return -((-self.planet_angle(0.0, 0.0)) * self.planet / (2 * pi)) * pitch

    def planet_angle(self, position: float, sun_angle: float) -> float:
        """The turn of a planet at `position` round the sun: a space of it meets each tooth of the sun."""
        phase = (position - sun_angle) * self.sun / (2 * pi)
        return position + pi - (2 * pi / self.planet) * (0.5 - phase)


@dataclass(frozen=True, slots=True)
class Peaucellier:
    """The cell of Peaucellier and Lipkin (1864): it inverts a circle through its pivot into an exact straight line."""

    arm: float = 5.0
    side: float = 2.8
    crank: float = 1.7

    @property
    def line(self) -> float:
        """The x at which the output runs."""
        return (self.arm**2 - self.side**2) / (2 * self.crank)

    def at(self, angle: float) -> tuple[Point, Point, Point, Point]:
        """(input, output, upper joint, lower joint) for the crank at `angle` from the line of the pivots."""
        given = polar((self.crank, 0.0), self.crank, angle)
        near = hypot(*given)
        far = (self.arm**2 - self.side**2) / near
        direction = atan2(given[1], given[0])
        middle = polar((0.0, 0.0), (near + far) / 2, direction)
        half = sqrt(self.side**2 - ((far - near) / 2) ** 2)
        upper, lower = (polar(middle, half, direction + turn) for turn in (pi / 2, -pi / 2))
        return given, polar((0.0, 0.0), far, direction), upper, lower


@dataclass(frozen=True, slots=True)
class RollerCam:
    """A disc cam: lifts a roller along a cycloid, holds it, lets it down, rests; for 120, 60, 120 and 60 degrees."""

    base: float = 1.5
    lift: float = 1.1
    roller: float = 0.38

    def rise(self, angle: float) -> float:
        """How far the follower is lifted when the cam has turned by `angle`."""
        turned = (angle / (2 * pi)) % 1.0 * 6
        if turned < 2:
            return self.lift * _cycloid(turned / 2)
        if turned < 3:
            return self.lift
        return self.lift * (1 - _cycloid((turned - 3) / 2)) if turned < 5 else 0.0

    def pitch_point(self, angle: float) -> Point:
        """Where the roller's centre is, seen from the cam."""
        return polar((0.0, 0.0), self.base + self.roller + self.rise(angle), -angle)

    def profile(self, points: int = 360) -> list[Point]:
        """The cam's edge: a roller's radius inside the curve of the roller's centre."""
        found = []
        for number in range(points):
            angle = 2 * pi * number / points
            before, at, after = (self.pitch_point(angle + step) for step in (-1e-3, 0.0, 1e-3))
            along = atan2(after[1] - before[1], after[0] - before[0])
            found.append(polar(at, self.roller, along - pi / 2))
        return found


@dataclass(frozen=True, slots=True)
class LeafStage:
    """A stage on two parallel leaf springs, clamped at both ends: it moves straight, and sinks a little."""

    height: float = 4.0

    def leaf(self, travel: float, points: int = 40) -> list[Point]:
        """The bent leaf from its foot at (0, 0): the cubic of a beam whose ends stay upright."""
        top = self.height - self.sink(travel)
        return [
            (travel * (3 * part**2 - 2 * part**3), top * part)
            for part in (number / (points - 1) for number in range(points))
        ]

    def sink(self, travel: float) -> float:
        """What the stage loses in height, to second order: 3/5 of travel squared over height."""
        return 0.6 * travel**2 / self.height


def gear_outline(teeth: int, module: float, *, addendum: float = 1.0, dedendum: float = 1.2) -> list[Point]:
    """An involute gear with a pressure angle of 20 degrees, one tooth centred on angle 0; a little backlash."""
    pressure = pi / 9
    pitch = module * teeth / 2
    base = pitch * cos(pressure)
    tip, root = pitch + addendum * module, pitch - dedendum * module
    half = pi / (2 * teeth) * 0.96 + _involute(pressure)
    flank = [max(root, base) + (tip - max(root, base)) * step / 6 for step in range(7)]
    angles = [half - _involute(acos(min(1.0, base / radius))) for radius in flank]
    outline: list[Point] = []
    for tooth in range(teeth):
        center = 2 * pi * tooth / teeth
        outline.append(polar((0.0, 0.0), root, center - angles[0]))
        outline += [
            polar((0.0, 0.0), radius, center - turn) for radius, turn in zip(flank, angles, strict=True)
        ]
        outline += [
            polar((0.0, 0.0), radius, center + turn)
            for radius, turn in zip(reversed(flank), reversed(angles), strict=True)
        ]
        outline.append(polar((0.0, 0.0), root, center + angles[0]))
    return outline


def _involute(angle: float) -> float:
    return tan(angle) - angle


def _cycloid(part: float) -> float:
    return part - sin(2 * pi * part) / (2 * pi)
