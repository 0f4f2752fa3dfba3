"""What turns against what - gears, cams, the Geneva drive - drawn at a moment of its cycle: `part` goes from 0 to 1,
and round.
"""

from functools import cache
from math import pi

from mechshare.demo.cams import RollerCam
from mechshare.demo.drawing import AMBER, BLUE, FAINT, FRAME, GREY, INK, PAPER, RED, TEAL, Sheet, coil, mixed
from mechshare.demo.gears import Gear, PlanetaryTrain
from mechshare.demo.geneva import Geneva
from mechshare.demo.kinematics import Point, polar, turned

_CENTER = (0.0, 0.0)


def geneva(part: float) -> Sheet:
    drive = Geneva()
    sheet = Sheet(38.5, (136, 194))
    angle = 2 * pi * part - pi
    wheel = (drive.distance, 0.0)
    floor = -drive.wheel - 0.25
    for shaft in (_CENTER, wheel):
        sheet.pedestal(shaft, floor)
    sheet.ground((-1.2, floor), (drive.distance + 1.8, floor))
    sheet.body(turned(_wheel_outline(drive), pi - drive.wheel_angle(angle), wheel), TEAL)
    sheet.disc(wheel, 0.62, mixed(TEAL, PAPER, 0.3))
    sheet.body(turned(_disc_outline(drive), angle), mixed(AMBER, PAPER, 0.35))
    pin = polar(_CENTER, drive.crank, angle)
    sheet.link([_CENTER, pin], AMBER, 15)
    sheet.disc(pin, drive.slot_width / 2 - 0.01, RED)
    for shaft in (_CENTER, wheel):
        sheet.joint(shaft, 6)
    return sheet


@cache
def _wheel_outline(drive: Geneva) -> tuple[Point, ...]:
    return tuple(drive.wheel_outline())


@cache
def _disc_outline(drive: Geneva) -> tuple[Point, ...]:
    return tuple(drive.disc_outline())


@cache
def _gear_outline(gear: Gear) -> tuple[Point, ...]:
    return tuple(gear.outline())


def planetary_gear(part: float) -> Sheet:
    train = PlanetaryTrain()
    sun, planet, ring = train.gears()
    sheet = Sheet(5.9, (240, 196))
    carrier = 2 * pi * part / train.planets
    sun_angle = carrier * train.ratio
    rim, floor = ring.tip_radius + 2.0, -ring.tip_radius - 2.9
    for side in (-1, 1):
        sheet.body(
            [(side * 9.0, floor), (side * 17.0, floor), (side * 15.0, -15.0), (side * 9.0, -15.0)], FRAME
        )
    sheet.ground((-20.0, floor), (20.0, floor))
    sheet.disc(_CENTER, rim, FAINT)
    sheet.body(turned(_gear_outline(ring), train.ring_angle), PAPER)
    reach = sun.pitch_radius + planet.pitch_radius
    positions = train.positions(carrier)
    centers = [polar(_CENTER, reach, position) for position in positions]
    for position, center in zip(positions, centers, strict=True):
        sheet.body(turned(_gear_outline(planet), train.planet_angle(position, sun_angle), center), BLUE)
    sheet.body(turned(_gear_outline(sun), sun_angle), AMBER)
    for center in centers:
        sheet.link([_CENTER, center], TEAL, 12)
    sheet.disc(_CENTER, 2.6, TEAL)
    for center in (_CENTER, *centers):
        sheet.joint(center, 4.2)
    return sheet


def roller_cam(part: float) -> Sheet:
    cam = RollerCam()
    sheet = Sheet(36, (138, 252))
    angle = 2 * pi * part
    height = cam.height(angle)
    floor, guide, guide_top = -2.45, 3.7, 4.12
    sheet.pedestal(_CENTER, floor)
    sheet.ground((-1.6, floor), (1.6, floor))
    sheet.body(turned(_cam_profile(cam), angle), AMBER)
    sheet.line([_CENTER, polar(_CENTER, cam.base - 0.3, angle + pi / 2)], mixed(AMBER, INK, 0.3), 1.6)
    sheet.joint(_CENTER, 6)
    sheet.link([(0.0, height), (0.0, height + 2.55)], TEAL, 12)
    for side in (-1, 1):
        near, far = side * 0.2, side * 0.75
        sheet.body([(near, guide), (far, guide), (far, guide_top), (near, guide_top)], FRAME)
    sheet.ground((-0.75, guide_top), (-0.75, guide))
    sheet.ground((0.75, guide), (0.75, guide_top))
    collar = height + 0.62
    sheet.body([(-0.4, collar - 0.14), (0.4, collar - 0.14), (0.4, collar), (-0.4, collar)], TEAL)
    sheet.line(coil((0.0, collar + 0.06), (0.0, guide - 0.06), 0.66, 4), INK, 1.8)
    sheet.disc((0.0, height), cam.roller, BLUE)
    sheet.joint((0.0, height), 3.6)
    _lift_diagram(sheet, cam, part)
    return sheet


@cache
def _cam_profile(cam: RollerCam) -> tuple[Point, ...]:
    return tuple(cam.profile())


def _lift_diagram(sheet: Sheet, cam: RollerCam, part: float) -> None:
    """The follower's lift over a turn of the cam, and a little before and after it, beside the cam."""
    left, bottom, wide, tall, beyond = 4.0, -0.9, 4.5, 2.4, 0.07

    def at(moment: float) -> Point:
        return left + wide * moment, bottom + tall * cam.rise(2 * pi * moment) / cam.lift

    for moment in (0.0, 1 / 3, 1 / 2, 5 / 6, 1.0):
        sheet.dashes((left + wide * moment, bottom), (left + wide * moment, bottom + tall))
    sheet.line([(left - wide * beyond, bottom), (left + wide * (1 + beyond), bottom)], GREY, 1.4)
    samples = (-beyond + (1 + 2 * beyond) * step / 120 for step in range(121))
    sheet.line([at(moment) for moment in samples], TEAL, 2.4)
    # The end of a turn is the beginning of the next: one point fades out while the other fades in.
    for moment in (part - 1, part, part + 1):
        outside = max(-moment, moment - 1, 0.0)
        if outside < beyond:
            sheet.pencil(at(moment), 1 - outside / beyond)
    for words, moment in (("rise", 1 / 6), ("dwell", 5 / 12), ("fall", 2 / 3), ("dwell", 11 / 12)):
        sheet.label((left + wide * moment, bottom), words, above=-7)
    sheet.label((left + wide / 2, bottom + tall + 0.3), "lift over a turn of the cam", above=4)
