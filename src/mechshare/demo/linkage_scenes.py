"""Linkages and leaf springs, drawn at a moment of their cycles: `part` goes from 0 to 1, and round."""

from math import pi, sin

from mechshare.demo.drawing import AMBER, BLUE, FAINT, GREY, INK, PAPER, TEAL, Sheet, mixed
from mechshare.demo.kinematics import (
    CHEBYSHEV,
    CRANK_ROCKER,
    LeafStage,
    Peaucellier,
    Point,
    SliderCrank,
    between,
)

_CENTER = (0.0, 0.0)


def four_bar(part: float) -> Sheet:
    linkage = CRANK_ROCKER
    sheet = Sheet(51, (168, 264))
    pin, rocker, point = linkage.at(2 * pi * part)
    far = (linkage.ground, 0.0)
    sheet.circle(_CENTER, linkage.crank)
    sheet.dashes(_CENTER, far)
    for pivot in (_CENTER, far):
        sheet.pivot(pivot)
    sheet.link([pin, rocker, point], mixed(BLUE, PAPER, 0.45))
    sheet.link([far, rocker], TEAL)
    sheet.link([_CENTER, pin], AMBER)
    for joint in (_CENTER, far, pin, rocker):
        sheet.joint(joint)
    sheet.trace(lambda moment: linkage.at(2 * pi * moment)[2], part)
    return sheet


def chebyshev(part: float) -> Sheet:
    linkage = CHEBYSHEV
    sheet = Sheet(45, (154, 296))
    pin, rocker, point = linkage.at(2 * pi * part)
    far = (linkage.ground, 0.0)
    sheet.circle(_CENTER, linkage.crank)
    sheet.dashes((-1.6, 4.0), (5.6, 4.0))
    for pivot in (_CENTER, far):
        sheet.pivot(pivot)
    sheet.link([pin, point], BLUE)
    sheet.link([far, rocker], TEAL)
    sheet.link([_CENTER, pin], AMBER)
    for joint in (_CENTER, far, pin, rocker):
        sheet.joint(joint)
    sheet.trace(lambda moment: linkage.at(2 * pi * moment)[2], part)
    return sheet


def slider_crank(part: float) -> Sheet:
    linkage = SliderCrank()
    sheet = Sheet(66, (96, 206))
    pin, slider = linkage.at(2 * pi * part)
    near, far = linkage.ends
    y, bore, end = linkage.offset, linkage.bore, far + 1.0
    sheet.circle(_CENTER, linkage.crank)
    sheet.pivot(_CENTER)
    sheet.ground((end, y + bore), (linkage.bore_from, y + bore))
    sheet.ground((linkage.bore_from, y - bore), (end, y - bore))
    sheet.dashes((near, y), (end, y))
    left, right, half = slider[0] - 0.26, slider[0] + 0.92, bore - 0.03
    sheet.body([(left, y - half), (right, y - half), (right, y + half), (left, y + half)], TEAL)
    for ring in (0.18, 0.32):
        sheet.line([(right - ring, y - half), (right - ring, y + half)], mixed(TEAL, INK, 0.45), 1.6)
    sheet.link([pin, slider], BLUE)
    sheet.link([_CENTER, pin], AMBER)
    for joint in (_CENTER, pin, slider):
        sheet.joint(joint)
    sheet.dimension((near, y - bore - 0.75), (far, y - bore - 0.75), f"stroke {far - near:.2f}")
    sheet.trace(lambda moment: between(*linkage.at(2 * pi * moment), 0.5), part)
    return sheet


_SWING = 40 * pi / 180


def peaucellier(part: float) -> Sheet:
    cell = Peaucellier()
    sheet = Sheet(32.5, (178, 200))

    def angle(moment: float) -> float:
        return _SWING * sin(2 * pi * moment)

    input_joint, output, upper, lower = cell.at(angle(part))
    pivot = (cell.crank, 0.0)
    sheet.dashes((cell.line, -4.25), (cell.line, 4.25))
    sheet.circle(pivot, cell.crank)
    for fixed in (_CENTER, pivot):
        sheet.pivot(fixed, -pi / 2, 9)
    for joint in (upper, lower):
        sheet.link([_CENTER, joint], BLUE, 11)
    for joint in (upper, lower):
        sheet.link([joint, input_joint], TEAL, 11)
        sheet.link([joint, output], TEAL, 11)
    sheet.link([pivot, input_joint], AMBER, 11)
    for joint in (_CENTER, pivot, upper, lower, input_joint):
        sheet.joint(joint, 3.8)
    sheet.trace(lambda moment: cell.at(angle(moment))[1], part)
    return sheet


def leaf_stage(part: float) -> Sheet:
    stage = LeafStage()
    sheet = Sheet(50, (160, 322))
    travel = 1.05 * sin(2 * pi * part)
    middle, post = stage.span / 2, stage.height + 1.15
    for extreme in (-1.05, 1.05):
        for foot in (0.0, stage.span):
            sheet.line([(foot + x, y) for x, y in stage.leaf(extreme)], FAINT, 1.4)
    sheet.ground((-1.0, 0.0), (stage.span + 1.0, 0.0))
    for foot in (0.0, stage.span):
        sheet.leaf([(foot + x, y) for x, y in stage.leaf(travel)], BLUE, 6)
        sheet.body([(foot - 0.26, 0.0), (foot + 0.26, 0.0), (foot + 0.2, 0.24), (foot - 0.2, 0.24)], GREY)
    top = stage.height - stage.sink(travel)
    sheet.dashes((middle - 1.6, post), (middle + 1.6, post))
    sheet.link([(middle + travel, top + 0.6), (middle + travel, top + 1.15)], TEAL, 7)
    sheet.body(_stage_outline(travel, top, stage.span), TEAL)

    def mark(moment: float) -> Point:
        moved = 1.05 * sin(2 * pi * moment)
        return middle + moved, post - stage.sink(moved)

    sheet.trace(mark, part)
    return sheet


def _stage_outline(travel: float, top: float, span: float) -> list[Point]:
    left, right = travel - 0.5, travel + span + 0.5
    return [
        (left, top - 0.12), (left + 0.8, top - 0.12), (left + 0.8, top), (right - 0.8, top),
        (right - 0.8, top - 0.12), (right, top - 0.12), (right, top + 0.7), (left, top + 0.7),
    ]  # fmt: skip
