"""The demonstration's linkages move as real ones would."""

import itertools
from math import asin, cos, hypot, pi, sin

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mechshare.demo.kinematics import (
    CHEBYSHEV,
    CRANK_ROCKER,
    FourBar,
    LeafStage,
    Peaucellier,
    SliderCrank,
    distance,
    turned,
)

EXACT = 1e-9
angles = st.floats(-20.0, 20.0)
long_links = st.floats(3.0, 5.0)
crank_rockers = st.one_of(
    st.sampled_from([CRANK_ROCKER, CHEBYSHEV]),
    st.builds(
        FourBar,
        ground=long_links,
        crank=st.floats(0.2, 0.9),
        coupler=long_links,
        rocker=long_links,
        offset=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    ),
)


@given(crank_rockers, angles)
def test_the_links_of_a_four_bar_keep_their_lengths(linkage: FourBar, angle: float) -> None:
    pin, rocker, point = linkage.at(angle)
    assert hypot(*pin) == pytest.approx(linkage.crank, abs=EXACT)
    assert distance(pin, rocker) == pytest.approx(linkage.coupler, abs=EXACT)
    assert distance(rocker, (linkage.ground, 0.0)) == pytest.approx(linkage.rocker, abs=EXACT)
    assert distance(pin, point) == pytest.approx(hypot(*linkage.offset), abs=EXACT)


@given(crank_rockers, angles)
def test_a_coupler_point_comes_back_after_a_turn_of_the_crank(linkage: FourBar, angle: float) -> None:
    for before, after in zip(linkage.at(angle), linkage.at(angle + 2 * pi), strict=True):
        assert distance(before, after) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("linkage", [CRANK_ROCKER, CHEBYSHEV])
def test_the_shortest_link_can_turn_all_round(linkage: FourBar) -> None:
    lengths = sorted((linkage.ground, linkage.crank, linkage.coupler, linkage.rocker))
    assert lengths[0] == linkage.crank
    assert lengths[0] + lengths[3] <= lengths[1] + lengths[2]


@given(st.floats(pi / 2, 3 * pi / 2))
def test_the_chebyshev_linkage_stays_near_its_line_for_half_a_turn(angle: float) -> None:
    assert 4.0 - EXACT <= CHEBYSHEV.at(angle)[2][1] <= 4.01


def test_the_line_of_the_chebyshev_linkage_is_four_cranks_long() -> None:
    ends = [CHEBYSHEV.at(angle)[2][0] for angle in (pi / 2, 3 * pi / 2)]
    assert ends == [pytest.approx(4.0, abs=EXACT), pytest.approx(0.0, abs=EXACT)]


@given(angles)
def test_the_slider_position_follows_the_formula(angle: float) -> None:
    linkage = SliderCrank()
    pin, slider = linkage.at(angle)
    assert distance(pin, slider) == pytest.approx(linkage.rod, abs=EXACT)
    assert slider[1] == linkage.offset
    swing = asin((linkage.offset - linkage.crank * sin(angle)) / linkage.rod)
    formula = linkage.crank * sin(angle + pi / 2) + linkage.rod * sin(swing + pi / 2)
    assert slider[0] == pytest.approx(formula, abs=EXACT)


def test_the_slider_reverses_where_crank_and_rod_are_collinear() -> None:
    linkage = SliderCrank()
    places = [linkage.at(2 * pi * step / 3600)[1][0] for step in range(3600)]
    assert (min(places), max(places)) == pytest.approx(linkage.ends, abs=1e-5)
    assert linkage.ends[1] - linkage.ends[0] > 2 * linkage.crank, "an offset lengthens the stroke"


def test_the_rod_keeps_clear_of_the_mouth_of_the_bore() -> None:
    linkage = SliderCrank()
    for step in range(720):
        pin, slider = linkage.at(2 * pi * step / 720)
        if slider[0] > linkage.bore_from:
            part = (linkage.bore_from - pin[0]) / (slider[0] - pin[0])
            beside = abs(pin[1] + part * (slider[1] - pin[1]) - linkage.offset)
            assert beside < linkage.bore - 0.1, "half the rod's width"


cells = st.builds(Peaucellier, arm=st.floats(4.5, 7.0), side=st.floats(2.5, 3.5), crank=st.floats(1.4, 1.7))


@given(cells, st.floats(-0.8, 0.8))
def test_a_peaucellier_cell_draws_an_exact_straight_line(cell: Peaucellier, angle: float) -> None:
    near = 2 * cell.crank * cos(angle / 2)
    far = (cell.arm**2 - cell.side**2) / near
    assume(abs(far - near) < 2 * cell.side)  # within the reach of these links
    given_point, output, upper, lower = cell.at(angle)
    assert abs(output[0] - cell.line) < 1e-9 * (cell.arm + cell.side)
    for joint in (upper, lower):
        assert hypot(*joint) == pytest.approx(cell.arm, abs=EXACT)
        assert distance(joint, given_point) == pytest.approx(cell.side, abs=EXACT)
        assert distance(joint, output) == pytest.approx(cell.side, abs=EXACT)
    assert distance(given_point, (cell.crank, 0.0)) == pytest.approx(cell.crank, abs=EXACT)


@given(st.floats(-1.2, 1.2))
def test_a_leaf_spring_keeps_its_length_to_second_order(travel: float) -> None:
    stage = LeafStage()
    leaf = stage.leaf(travel, 400)
    length = sum(distance(a, b) for a, b in itertools.pairwise(leaf))
    assert length == pytest.approx(stage.height, abs=0.02 * travel**4 + 1e-4)


@given(st.floats(-1.2, 1.2))
def test_a_leaf_spring_is_upright_at_both_ends(travel: float) -> None:
    leaf = LeafStage().leaf(travel, 2001)
    for (ax, ay), (bx, by) in (leaf[:2], leaf[-2:]):
        assert abs(bx - ax) < 0.002 * (by - ay)


@given(angles, st.tuples(st.floats(-5, 5), st.floats(-5, 5)))
def test_a_turned_body_keeps_its_shape(angle: float, center: tuple[float, float]) -> None:
    body = [(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)]
    moved = turned(body, angle, center)
    assert moved[0] == center
    assert distance(moved[0], moved[2]) == pytest.approx(5.0, abs=EXACT)
    assert distance(moved[1], moved[2]) == pytest.approx(4.0, abs=EXACT)
