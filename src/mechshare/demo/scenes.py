"""The mechanisms of the demonstration, each drawn at a moment of its cycle: `part` goes from 0 to 1, and round."""

from functools import cache
from math import pi, sin

from PIL import Image

from mechshare.demo.drawing import AMBER, BLUE, FAINT, GREEN, INK, PAPER, RED, STEEL, Sheet, turned
from mechshare.demo.kinematics import (
    FourBar,
    Geneva,
    LeafStage,
    Peaucellier,
    PlanetaryGear,
    Point,
    RollerCam,
    SliderCrank,
    gear_outline,
    polar,
)

_TRACED = 120


def four_bar(part: float) -> Image.Image:
    linkage = FourBar()
    sheet = Sheet(52, (120, 268))
    path = [linkage.at(2 * pi * step / _TRACED)[2] for step in range(_TRACED)]
    pin, rocker, point = linkage.at(2 * pi * part)
    sheet.trace(path, round(part * _TRACED) % _TRACED)
    sheet.shape([pin, rocker, point], (214, 226, 232), STEEL)
    sheet.bar(pin, rocker, STEEL)
    sheet.bar((0.0, 0.0), pin, BLUE)
    sheet.bar((linkage.ground, 0.0), rocker, GREEN)
    for pivot in ((0.0, 0.0), (linkage.ground, 0.0)):
        sheet.ground(pivot)
    for joint in (pin, rocker):
        sheet.joint(joint)
    sheet.disc(point, 0.11, RED)
    return sheet.finished("Four-bar linkage, crank-rocker")


def slider_crank(part: float) -> Image.Image:
    linkage = SliderCrank()
    sheet = Sheet(78, (128, 198))
    pin, slider = linkage.at(2 * pi * part)
    sheet.ring((0.0, 0.0), linkage.crank, FAINT, 0.02)
    for side in (-1, 1):
        sheet.hatch((1.55, side * 0.42), (4.35, side * 0.42), pi if side > 0 else 0.0)
    block = [
        (slider[0] + x, slider[1] + y)
        for x, y in ((-0.42, -0.38), (0.42, -0.38), (0.42, 0.38), (-0.42, 0.38))
    ]
    sheet.shape(block, AMBER, INK)
    sheet.bar(pin, slider, STEEL, 0.2)
    sheet.bar((0.0, 0.0), pin, BLUE, 0.24)
    sheet.ground((0.0, 0.0), 0.3)
    sheet.joint(pin, 0.11)
    sheet.joint(slider, 0.11)
    return sheet.finished("Slider-crank, in line")


def geneva(part: float) -> Image.Image:
    drive = Geneva()
    sheet = Sheet(43, (108, 196))
    angle = 2 * pi * part - pi
    center = (drive.distance, 0.0)
    turn = drive.wheel_angle(angle)
    lock = drive.crank * 0.78
    lines = [pi - turn - 2 * pi * number / drive.slots for number in range(drive.slots)]
    slots = [
        (polar(center, drive.wheel + 0.3, line), polar(center, drive.distance - drive.crank, line), 0.34)
        for line in lines
    ]
    arcs = [(polar(center, drive.distance, line + pi / drive.slots), lock + 0.05) for line in lines]
    sheet.cut_disc(center, drive.wheel, GREEN, slots=slots, discs=arcs)
    room = (polar((0.0, 0.0), drive.distance, angle), drive.wheel + 0.06)
    sheet.cut_disc((0.0, 0.0), lock, BLUE, slots=[], discs=[room])
    pin = polar((0.0, 0.0), drive.crank, angle)
    sheet.bar((0.0, 0.0), pin, STEEL, 0.42)
    sheet.disc(pin, 0.15, RED, INK)
    for shaft in ((0.0, 0.0), center):
        sheet.disc(shaft, 0.22, PAPER, INK)
    return sheet.finished("Geneva drive, six slots")


@cache
def _gear(teeth: int, addendum: float, dedendum: float) -> tuple[Point, ...]:
    return tuple(gear_outline(teeth, 0.2, addendum=addendum, dedendum=dedendum))


def planetary_gear(part: float) -> Image.Image:
    train = PlanetaryGear()
    sheet = Sheet(30, (240, 194))
    module = 0.2
    carrier = 2 * pi * part / train.planets
    sun = carrier * train.ratio
    reach = module * (train.sun + train.planet) / 2
    sheet.disc((0.0, 0.0), module * train.ring / 2 + 0.72, STEEL, INK)
    hole = _gear(train.ring, 1.2, 1.0)
    sheet.shape(turned(hole, train.ring_angle), PAPER, INK)
    centers = [
        polar((0.0, 0.0), reach, carrier + 2 * pi * number / train.planets) for number in range(train.planets)
    ]
    for number, center in enumerate(centers):
        position = carrier + 2 * pi * number / train.planets
        turn = train.planet_angle(position, sun)
        sheet.shape(turned(_gear(train.planet, 1.0, 1.2), turn, center), AMBER, INK)
    sheet.shape(turned(_gear(train.sun, 1.0, 1.2), sun), BLUE, INK)
    for center in centers:
        sheet.bar((0.0, 0.0), center, GREEN, 0.34)
    for center in centers:
        sheet.joint(center, 0.16)
    sheet.disc((0.0, 0.0), 0.42, GREEN, INK)
    sheet.joint((0.0, 0.0), 0.2)
    return sheet.finished("Planetary gear, 18 : 12 : 42")


def peaucellier(part: float) -> Image.Image:
    cell = Peaucellier()
    sheet = Sheet(33, (116, 200))
    angle = 1.25 * sin(2 * pi * part)
    given, output, upper, lower = cell.at(angle)
    swing = [cell.at(1.25 * sin(2 * pi * step / _TRACED))[1] for step in range(_TRACED)]
    sheet.ring((cell.crank, 0.0), cell.crank, FAINT, 0.04)
    sheet.trace(swing, round(part * _TRACED) % _TRACED)
    for joint in (upper, lower):
        sheet.bar((0.0, 0.0), joint, STEEL, 0.22)
        sheet.bar(joint, given, GREEN, 0.22)
        sheet.bar(joint, output, GREEN, 0.22)
    sheet.bar((cell.crank, 0.0), given, BLUE, 0.22)
    for pivot in ((0.0, 0.0), (cell.crank, 0.0)):
        sheet.ground(pivot, 0.4)
    for joint in (upper, lower, given):
        sheet.joint(joint)
    sheet.disc(output, 0.17, RED, INK)
    return sheet.finished("Peaucellier-Lipkin cell: an exact straight line")


@cache
def _cam_profile() -> tuple[Point, ...]:
    return tuple(RollerCam().profile())


def roller_cam(part: float) -> Image.Image:
    cam = RollerCam()
    sheet = Sheet(43, (240, 246))
    angle = 2 * pi * part
    sheet.shape(turned(_cam_profile(), angle + pi / 2), BLUE, INK)
    height = cam.base + cam.roller + cam.rise(angle)
    roller = (0.0, height)
    for side in (-1, 1):
        sheet.shape(
            [(side * 0.3, 3.25), (side * 0.75, 3.25), (side * 0.75, 3.95), (side * 0.3, 3.95)], FAINT, INK
        )
    sheet.bar(roller, (0.0, height + 1.3), STEEL, 0.34)
    sheet.disc(roller, cam.roller, AMBER, INK)
    sheet.joint(roller, 0.12)
    sheet.ground((0.0, 0.0), 0.42)
    sheet.disc(polar((0.0, 0.0), 0.95, angle + pi / 2), 0.12, PAPER, INK)
    return sheet.finished("Disc cam with roller follower, two dwells")


def leaf_stage(part: float) -> Image.Image:
    stage = LeafStage()
    sheet = Sheet(50, (158, 304))
    travel = 1.05 * sin(2 * pi * part)
    span = 3.2
    sheet.hatch((-0.8, 0.0), (span + 0.8, 0.0))
    for foot in (0.0, span):
        leaf = [(foot + x, y) for x, y in stage.leaf(travel)]
        sheet.curve(leaf, BLUE, 5)
    top = stage.height - stage.sink(travel)
    corners = [
        (travel + x, top + y) for x, y in ((-0.5, 0.0), (span + 0.5, 0.0), (span + 0.5, 0.62), (-0.5, 0.62))
    ]
    sheet.shape(corners, AMBER, INK)
    for x in (0.0, span):
        sheet.shape([(x - 0.16, 0.0), (x + 0.16, 0.0), (x + 0.16, 0.26), (x - 0.16, 0.26)], STEEL, INK)
    sheet.curve([(span / 2, 5.0), (span / 2, 5.35)], INK, 2)
    sheet.curve([(span / 2 + travel, 4.9), (span / 2 + travel, 5.25)], RED, 3)
    return sheet.finished("Compliant parallelogram stage")
