"""The demonstration's mechanisms move as real ones would."""

import itertools
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.demo.kinematics import (
    FourBar,
    Geneva,
    LeafStage,
    Peaucellier,
    PlanetaryGear,
    RollerCam,
    SliderCrank,
    distance,
    gear_outline,
    polar,
)

angles = st.floats(-20.0, 20.0)
EXACT = 1e-9


@given(angles)
def test_the_links_of_the_four_bar_keep_their_lengths(angle: float) -> None:
    linkage = FourBar()
    pin, rocker, point = linkage.at(angle)
    assert distance((0.0, 0.0), pin) == pytest.approx(linkage.crank, abs=EXACT)
    assert distance(pin, rocker) == pytest.approx(linkage.coupler, abs=EXACT)
    assert distance(rocker, (linkage.ground, 0.0)) == pytest.approx(linkage.rocker, abs=EXACT)
    assert distance(pin, point) == pytest.approx(
        (linkage.offset[0] ** 2 + linkage.offset[1] ** 2) ** 0.5, abs=EXACT
    )


def test_the_four_bar_is_a_crank_rocker() -> None:
    linkage = FourBar()
    lengths = sorted((linkage.ground, linkage.crank, linkage.coupler, linkage.rocker))
    assert lengths[0] == linkage.crank
    assert lengths[0] + lengths[3] <= lengths[1] + lengths[2]


@given(angles)
def test_the_rod_of_the_slider_crank_keeps_its_length_and_the_slider_its_line(angle: float) -> None:
    linkage = SliderCrank()
    pin, slider = linkage.at(angle)
    assert distance(pin, slider) == pytest.approx(linkage.rod, abs=EXACT)
    assert slider[1] == 0.0


def test_the_geneva_wheel_moves_on_by_one_slot_a_turn() -> None:
    drive = Geneva()
    assert drive.wheel_angle(pi) - drive.wheel_angle(-pi) == pytest.approx(2 * pi / drive.slots, abs=EXACT)


@given(st.floats(-pi, pi))
def test_the_geneva_wheel_rests_while_the_pin_is_outside_its_slots(angle: float) -> None:
    drive = Geneva()
    moved = drive.wheel_angle(min(pi, angle + 1e-4)) - drive.wheel_angle(angle)
    if abs(angle) > drive.engaged + 1e-3:
        assert moved == 0.0
    elif abs(angle) < drive.engaged - 1e-3:
        assert moved > 0.0


def test_the_geneva_pin_enters_its_slot_without_a_shock() -> None:
    drive = Geneva()
    step = 1e-6
    speed = (drive.wheel_angle(-drive.engaged + step) - drive.wheel_angle(-drive.engaged)) / step
    assert speed == pytest.approx(0.0, abs=1e-4)


@given(angles)
def test_the_planets_mesh_with_sun_and_ring_wherever_the_carrier_stands(carrier: float) -> None:
    train = PlanetaryGear()
    sun = carrier * train.ratio
    for number in range(train.planets):
        position = carrier + 2 * pi * number / train.planets
        planet = train.planet_angle(position, sun)
        tooth_on_ring = (position - planet) * train.planet - (position - train.ring_angle) * train.ring
        tooth_on_sun = (position + pi - planet) * train.planet + (position - sun) * train.sun - pi
        assert sin(tooth_on_ring / 2) == pytest.approx(0.0, abs=1e-6)
        assert sin(tooth_on_sun / 2) == pytest.approx(0.0, abs=1e-6)


def test_the_planetary_gear_can_be_assembled_and_reduces_as_willis_says() -> None:
    train = PlanetaryGear()
    assert (train.sun + train.ring) % train.planets == 0
    assert train.ratio == pytest.approx(10 / 3)


@given(st.floats(-1.25, 1.25))
def test_the_peaucellier_cell_draws_an_exact_straight_line(angle: float) -> None:
    cell = Peaucellier()
    given_point, output, upper, lower = cell.at(angle)
    assert output[0] == pytest.approx(cell.line, abs=EXACT)
    for joint in (upper, lower):
        assert distance((0.0, 0.0), joint) == pytest.approx(cell.arm, abs=EXACT)
        assert distance(joint, given_point) == pytest.approx(cell.side, abs=EXACT)
        assert distance(joint, output) == pytest.approx(cell.side, abs=EXACT)


def test_the_cam_lifts_and_dwells_above_and_below() -> None:
    cam = RollerCam()
    assert [cam.rise(part * 2 * pi / 12) for part in (4, 5, 6)] == [pytest.approx(cam.lift)] * 3
    assert [cam.rise(part * 2 * pi / 12) for part in (10, 11, 12)] == [pytest.approx(0.0)] * 3


def test_the_roller_touches_the_cam_and_never_cuts_into_it() -> None:
    cam = RollerCam()
    profile = cam.profile(720)
    for step in range(36):
        center = cam.pitch_point(2 * pi * step / 36)
        nearest = min(distance(center, point) for point in profile)
        assert nearest == pytest.approx(cam.roller, abs=2e-3)


@given(st.floats(-1.2, 1.2))
def test_the_leaf_spring_keeps_its_length_to_second_order(travel: float) -> None:
    stage = LeafStage()
    leaf = stage.leaf(travel, 400)
    length = sum(distance(a, b) for a, b in itertools.pairwise(leaf))
    assert length == pytest.approx(stage.height, abs=0.06 * travel**2 + 1e-9)


def test_a_gear_has_its_teeth_between_tip_and_root() -> None:
    outline = gear_outline(18, 0.2)
    radii = [distance((0.0, 0.0), point) for point in outline]
    assert max(radii) == pytest.approx(18 * 0.1 + 0.2)
    assert min(radii) == pytest.approx(18 * 0.1 - 0.24)
    assert polar((0.0, 0.0), 1.0, 0.0) == (1.0, 0.0)
