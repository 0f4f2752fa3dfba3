"""The demonstration's cam lifts its roller and dwells."""

from math import hypot, pi, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.demo.cams import RollerCam
from mechshare.demo.kinematics import distance, turned


@given(st.floats(120, 180))
def test_the_follower_dwells_at_the_top(degrees: float) -> None:
    cam = RollerCam()
    assert cam.rise(radians(degrees)) == pytest.approx(cam.lift, abs=1e-9)


@given(st.floats(300, 359.999))
def test_the_follower_dwells_at_the_bottom(degrees: float) -> None:
    assert RollerCam().rise(radians(degrees)) == pytest.approx(0.0, abs=1e-9)


@given(st.floats(-10.0, 10.0))
def test_neither_speed_nor_acceleration_of_the_follower_jumps(angle: float) -> None:
    cam, step = RollerCam(), 1e-3
    before, at, after, later = (cam.rise(angle + number * step) for number in (-1, 0, 1, 2))
    steepest = 2 * cam.lift / (2 * pi / 3)
    assert abs(after - at) <= steepest * step * 1.001
    jump = abs((later - after) - 2 * (after - at) + (at - before))
    assert jump <= 60 * step**3


@given(st.floats(0.0, 2 * pi))
def test_the_roller_touches_the_turned_cam_and_never_cuts_into_it(angle: float) -> None:
    cam = RollerCam()
    edge = turned(cam.profile(720), angle)
    nearest = min(distance((0.0, cam.height(angle)), point) for point in edge)
    assert nearest == pytest.approx(cam.roller, abs=2e-3)


def test_the_cam_reaches_from_its_base_circle_to_its_lift() -> None:
    cam = RollerCam()
    radii = [hypot(*point) for point in cam.profile()]
    assert min(radii) == pytest.approx(cam.base, abs=1e-6)
    assert max(radii) == pytest.approx(cam.base + cam.lift, abs=1e-6)
