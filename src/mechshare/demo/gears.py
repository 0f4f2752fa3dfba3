"""Involute gears, and a planetary train of them."""

from dataclasses import dataclass
from math import acos, cos, pi, tan

from mechshare.demo.kinematics import Point, polar

PRESSURE_ANGLE = 25 * pi / 180
"""Large enough for gears of 12 teeth without undercut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gear:
    """A spur gear about (0, 0) with a tooth centred on angle 0; a ring gear is the hole that such a gear leaves.

    `addendum` and `dedendum` are in modules from the pitch circle; `thickness` is that of a tooth on the pitch circle,
    in circular pitches (below a half there is backlash).
    """

    teeth: int
    module: float = 1.0
    addendum: float = 0.9
    dedendum: float = 1.1
    thickness: float = 0.47

    @property
    def pitch_radius(self) -> float:
        return self.module * self.teeth / 2

    @property
    def tip_radius(self) -> float:
        return self.pitch_radius + self.addendum * self.module

    @property
    def root_radius(self) -> float:
        return self.pitch_radius - self.dedendum * self.module

    def half_angle(self, radius: float) -> float:
        """Half of a tooth's angle at `radius`; below the base circle the flanks are radial."""
        base = self.pitch_radius * cos(PRESSURE_ANGLE)
        here = acos(min(1.0, base / radius))
        return pi * self.thickness / self.teeth + _involute(PRESSURE_ANGLE) - _involute(here)

    def fills(self, radius: float, angle: float, margin: float = 0.0) -> bool:
        """Whether the point is inside the gear and more than `margin` away from its outline."""
        if radius >= self.tip_radius - margin:
            return False
        pitch = 2 * pi / self.teeth
        off_center = abs((angle + pitch / 2) % pitch - pitch / 2)
        return radius < self.root_radius - margin or off_center < self.half_angle(radius) - margin / radius

    def outline(self, steps: int = 8) -> list[Point]:
        """Counter-clockwise; each flank has `steps` chords."""
        foot = max(self.root_radius, self.pitch_radius * cos(PRESSURE_ANGLE))
        rises = [foot + (self.tip_radius - foot) * step / steps for step in range(steps + 1)]
        radii = rises if foot == self.root_radius else [self.root_radius, *rises]
        flank = [(radius, self.half_angle(radius)) for radius in radii]
        return [
            polar((0.0, 0.0), radius, 2 * pi * tooth / self.teeth + turn)
            for tooth in range(self.teeth)
            for radius, turn in [*((r, -half) for r, half in flank), *reversed(flank)]
        ]


@dataclass(frozen=True, slots=True)
class PlanetaryTrain:
    """Sun driven, ring held, carrier driven.

    ring = sun + 2 planet, and the planets fit at equal distances because their number divides sun + ring.
    """

    sun: int = 18
    planet: int = 12
    planets: int = 3

    @property
    def ring(self) -> int:
        return self.sun + 2 * self.planet

    @property
    def ratio(self) -> float:
        """Turns of the sun per turn of the carrier (Willis)."""
        return 1 + self.ring / self.sun

    @property
    def ring_angle(self) -> float:
        """Where a space of the ring stands, so that the planets mesh with it when a tooth of the sun stands at 0."""
        return pi * (self.planet - 1) / self.ring

    def positions(self, carrier: float) -> list[float]:
        """The angles of the planets around the sun at the carrier angle `carrier`."""
        return [carrier + 2 * pi * number / self.planets for number in range(self.planets)]

    def planet_angle(self, position: float, sun_angle: float) -> float:
        """The turn of a planet at `position` round the sun: a space of it meets each tooth of the sun."""
        phase = (position - sun_angle) * self.sun / (2 * pi)
        return position + pi - (2 * pi / self.planet) * (0.5 - phase)

    def gears(self) -> tuple[Gear, Gear, Gear]:
        """(sun, planet, ring) of module 1; the ring is the hole, its teeth's tips are the hole's dedendum."""
        ring = Gear(teeth=self.ring, addendum=1.1, dedendum=0.9, thickness=0.53)
        return Gear(teeth=self.sun), Gear(teeth=self.planet), ring


def _involute(angle: float) -> float:
    return tan(angle) - angle
