"""The demonstration's gears mesh, and never cut into each other."""

from math import atan2, hypot, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.demo.gears import Gear, PlanetaryTrain
from mechshare.demo.kinematics import Point, polar, turned

trains = st.builds(
    PlanetaryTrain, sun=st.integers(12, 30), planet=st.integers(12, 30), planets=st.integers(2, 4)
).filter(lambda train: (train.sun + train.ring) % train.planets == 0)
carriers = st.floats(-10.0, 10.0)


@given(trains, carriers)
def test_planets_mesh_with_sun_and_ring_wherever_the_carrier_stands(
    train: PlanetaryTrain, carrier: float
) -> None:
    sun = carrier * train.ratio
    for position in train.positions(carrier):
        planet = train.planet_angle(position, sun)
        planet_to_ring = (position - planet) * train.planet - (position - train.ring_angle) * train.ring
        planet_to_sun = (position + pi - planet) * train.planet + (position - sun) * train.sun - pi
        assert sin(planet_to_ring / 2) == pytest.approx(0.0, abs=1e-6), "a tooth in a space of the ring"
        assert sin(planet_to_sun / 2) == pytest.approx(0.0, abs=1e-6), "a space on a tooth of the sun"


def test_the_train_can_be_assembled_and_reduces_as_its_description_says() -> None:
    train = PlanetaryTrain()
    assert (train.sun, train.planet, train.ring) == (18, 12, 42)
    assert train.ring == train.sun + 2 * train.planet
    assert (train.sun + train.ring) % train.planets == 0
    assert train.ratio == pytest.approx(3.33, abs=0.005)


@given(st.floats(0.0, 2 * pi / 3))
def test_no_tooth_cuts_into_another_gear(carrier: float) -> None:
    train = PlanetaryTrain()
    sun, planet, ring = train.gears()
    sun_angle, position = carrier * train.ratio, carrier
    center = polar((0.0, 0.0), sun.pitch_radius + planet.pitch_radius, position)
    turn = train.planet_angle(position, sun_angle)

    on_planet = turned(planet.outline(), turn, center)
    assert not any(_inside(sun, point, (0.0, 0.0), sun_angle) for point in on_planet)
    assert all(_inside(ring, point, (0.0, 0.0), train.ring_angle) for point in on_planet)
    assert not any(_inside(planet, point, center, turn) for point in turned(sun.outline(), sun_angle))
    on_ring = turned(ring.outline(), train.ring_angle)
    assert not any(_inside(planet, point, center, turn) for point in on_ring)


def test_teeth_interlock_with_little_backlash() -> None:
    train = PlanetaryTrain()
    sun, planet, _ = train.gears()
    center = (sun.pitch_radius + planet.pitch_radius, 0.0)
    turn = train.planet_angle(0.0, 0.0)
    nearest = [
        _inside(sun, point, (0.0, 0.0), 0.0, margin=-0.15) for point in turned(planet.outline(), turn, center)
    ]
    assert any(nearest), "no flank is further than 0.15 modules from the one it drives"


def _inside(gear: Gear, point: Point, center: Point, turn: float, margin: float = 0.0) -> bool:
    x, y = point[0] - center[0], point[1] - center[1]
    return gear.fills(hypot(x, y), atan2(y, x) - turn, margin)


@given(st.integers(10, 60), st.floats(0.1, 5.0))
def test_the_outline_runs_between_root_and_tip_and_bounds_what_is_filled(teeth: int, module: float) -> None:
    gear = Gear(teeth=teeth, module=module)
    for x, y in gear.outline():
        radius, angle = hypot(x, y), atan2(y, x)
        assert gear.root_radius - 1e-9 <= radius <= gear.tip_radius + 1e-9
        assert gear.fills(radius, angle, margin=-0.01 * module)
        assert not gear.fills(radius, angle, margin=0.01 * module)
