"""A disc cam that lifts a roller."""

from dataclasses import dataclass
from math import atan2, pi, sin

from mechshare.demo.kinematics import Point, polar


@dataclass(frozen=True, slots=True)
class RollerCam:
    """A disc cam about (0, 0) below its roller follower: lifts along a cycloid, holds, lets down, rests.

    These take 120, 60, 120 and 60 degrees of a counter-clockwise turn. Speed and acceleration never jump.
    """

    base: float = 1.35
    """The cam's smallest radius."""
    lift: float = 0.95
    roller: float = 0.36

    def rise(self, angle: float) -> float:
        """The follower's lift at the cam angle `angle`."""
        sixths = (angle / (2 * pi)) % 1.0 * 6
        if sixths < 2:
            return self.lift * _cycloid(sixths / 2)
        if sixths < 3:
            return self.lift
        return self.lift * (1 - _cycloid((sixths - 3) / 2)) if sixths < 5 else 0.0

    def height(self, angle: float) -> float:
        """The height of the roller's centre above the shaft."""
        return self.base + self.roller + self.rise(angle)

    def pitch_point(self, angle: float) -> Point:
        """The roller's centre in the cam's own frame, where the follower is at pi / 2 - angle."""
        return polar((0.0, 0.0), self.height(angle), pi / 2 - angle)

    def profile(self, points: int = 360) -> list[Point]:
        """The cam's outline at angle 0: the curve of the roller's centre, offset inwards by the roller's radius."""
        edge = []
        for number in range(points):
            angle = 2 * pi * number / points
            before, at, after = (self.pitch_point(angle + step) for step in (-1e-3, 0.0, 1e-3))
            along = atan2(after[1] - before[1], after[0] - before[0])
            edge.append(polar(at, self.roller, along - pi / 2))
        return edge


def _cycloid(part: float) -> float:
    return part - sin(2 * pi * part) / (2 * pi)
