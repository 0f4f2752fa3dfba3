"""The demonstration's Geneva drive steps, dwells and locks."""

from math import hypot, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.demo.geneva import Geneva
from mechshare.demo.kinematics import distance, polar, turned

drives = st.builds(Geneva, slots=st.integers(4, 8), distance=st.floats(3.0, 5.0))
crank_angles = st.floats(-pi, pi)
STEP = 1e-5


@given(drives)
def test_the_wheel_advances_exactly_one_slot_per_turn(drive: Geneva) -> None:
    moved = drive.wheel_angle(pi) - drive.wheel_angle(-pi)
    assert moved == pytest.approx(2 * pi / drive.slots, abs=1e-12)


@given(drives, crank_angles)
def test_the_wheel_moves_only_while_the_pin_is_in_a_slot(drive: Geneva, angle: float) -> None:
    pin_to_wheel = distance(polar((0.0, 0.0), drive.crank, angle), (drive.distance, 0.0))
    moved = drive.wheel_angle(min(pi, angle + STEP)) - drive.wheel_angle(angle)
    if pin_to_wheel > drive.wheel + 1e-3:
        assert moved == 0.0
    elif pin_to_wheel < drive.wheel - 1e-3:
        assert moved > 0.0


@given(drives, crank_angles.filter(lambda angle: abs(angle) < pi - 0.01))
def test_the_wheel_never_jumps_in_place_or_speed(drive: Geneva, angle: float) -> None:
    before, at, after = (drive.wheel_angle(angle + step) for step in (-STEP, 0.0, STEP))
    fastest = drive.crank / (drive.distance - drive.crank)
    assert abs(after - at) <= fastest * STEP * 1.001
    assert abs((after - at) - (at - before)) <= 5.5 * STEP**2 + 1e-14, (
        "the acceleration with four slots is 5.41"
    )


@given(drives, st.floats(-0.9999, 0.9999))
def test_the_pin_stays_in_the_middle_of_its_slot(drive: Geneva, part: float) -> None:
    angle = part * drive.engaged
    pin = polar((0.0, 0.0), drive.crank, angle)
    turn = pi - drive.wheel_angle(angle)
    [(along, across)] = turned([(pin[0] - drive.distance, pin[1])], -turn)
    assert across == pytest.approx(0.0, abs=1e-9)
    assert drive.distance - drive.crank - 1e-9 <= along <= drive.wheel + 1e-9


@pytest.mark.parametrize("slots", [4, 6])
def test_wheel_and_locking_disc_never_touch_and_yet_hold(slots: int) -> None:
    drive = Geneva(slots=slots)
    outline = drive.wheel_outline()
    for step in range(360):
        angle = -pi + 2 * pi * step / 360
        cut_from = polar((0.0, 0.0), drive.distance, angle)
        wheel = turned(outline, pi - drive.wheel_angle(angle), (drive.distance, 0.0))
        overlap = max(min(drive.disc - hypot(*at), distance(at, cut_from) - drive.relief) for at in wheel)
        assert overlap < -0.005
        if abs(angle) > drive.engaged + 0.05:
            assert overlap > -0.06, "the disc fills the locking arc while the pin is outside"


@given(drives)
def test_the_disc_is_cut_away_only_where_the_wheel_passes(drive: Geneva) -> None:
    for x, y in drive.disc_outline():
        on_edge = abs(hypot(x, y) - drive.disc) < 1e-9
        on_cut = abs(distance((x, y), (drive.distance, 0.0)) - drive.relief) < 1e-9
        assert on_edge or on_cut
