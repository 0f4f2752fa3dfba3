"""Drawn machines of known period, for suites and measurements of what analyses motion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin, sqrt
from random import Random

from PIL import Image, ImageDraw

from mechshare.domain.motion import GREY_SIDE, GreyPictures

Point = tuple[float, float]
Colour = tuple[int, int, int]
SIZE = (240, 180)
"""The size of a picture in px."""
_FINER = 3
_CENTRE = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Look:
    """How a machine stands in the picture: `turn` in radians, `scale` in px a unit, the middle in px."""

    turn: float = 0.0
    scale: float = 30.0
    middle: Point = (SIZE[0] / 2, SIZE[1] / 2)
    is_mirrored: bool = False
    paper: Colour = (245, 246, 248)
    inks: tuple[Colour, ...] = ((40, 50, 70), (180, 60, 50), (60, 120, 180), (50, 140, 110))


class Canvas:
    """A picture on which a machine is drawn, in its own units around (0, 0)."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._image = Image.new("RGB", (SIZE[0] * _FINER, SIZE[1] * _FINER), look.paper)
        self._draw = ImageDraw.Draw(self._image)

    def bar(self, points: Sequence[Point], ink: int, width: float = 0.28) -> None:
        places = [self._at(point) for point in points]
        px = max(1, round(width * self._look.scale * _FINER))
        self._draw.line(places, fill=self._look.inks[ink], width=px, joint="curve")
        for place in places:
            self._dot(place, px / 2, self._look.inks[ink])

    def disc(self, at: Point, radius: float, ink: int) -> None:
        self._dot(self._at(at), radius * self._look.scale * _FINER, self._look.inks[ink])

    def plate(self, points: Sequence[Point], ink: int) -> None:
        self._draw.polygon([self._at(point) for point in points], fill=self._look.inks[ink])

    def hole(self, at: Point, radius: float) -> None:
        self._dot(self._at(at), radius * self._look.scale * _FINER, self._look.paper)

    def picture(self) -> Image.Image:
        return self._image.reduce(_FINER)

    def _dot(self, place: Point, reach: float, ink: Colour) -> None:
        x, y = place
        self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)

    def _at(self, point: Point) -> Point:
        look = self._look
        x, y = (-point[0] if look.is_mirrored else point[0]), point[1]
        c, s = cos(look.turn), sin(look.turn)
        across, up = x * c - y * s, x * s + y * c
        return (
            (look.middle[0] + across * look.scale) * _FINER,
            (look.middle[1] - up * look.scale) * _FINER,
        )


Machine = Callable[[Canvas, float], None]
"""Draws the machine at a part of its cycle, 0 to 1 and round."""


def _polar(centre: Point, radius: float, angle: float) -> Point:
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def four_bar(random: Random) -> Machine:
    """A crank-rocker with a coupler point; the crank is the shortest link."""
    ground, coupler = 3 + random.random(), 2.6 + random.random()
    rocker = 2.0 + random.random()
    crank = min(0.35 + 0.8 * random.random(), 0.9 * (coupler + rocker - ground))
    crank = max(0.3, min(crank, 0.85 * (ground + min(coupler, rocker) - max(coupler, rocker)) / 2 + 0.2))
    along, across = random.uniform(0.5, 2.5), random.uniform(-1.5, 1.5)

    def draw(canvas: Canvas, part: float) -> None:
        left, right = (-ground / 2, -0.5), (ground / 2, -0.5)
        pin = _polar(left, crank, 2 * pi * part)
        reach = hypot(right[0] - pin[0], right[1] - pin[1])
        cosine = (coupler**2 + reach**2 - rocker**2) / (2 * coupler * reach)
        direction = atan2(right[1] - pin[1], right[0] - pin[0]) + acos(max(-1.0, min(1.0, cosine)))
        end = _polar(pin, coupler, direction)
        point = _polar(_polar(pin, along, direction), across, direction + pi / 2)
        canvas.bar([left, right], 0, 0.12)
        canvas.plate([pin, end, point], 2)
        canvas.bar([right, end], 3)
        canvas.bar([left, pin], 1, 0.35)

    return draw


def slider_crank(random: Random) -> Machine:
    crank, offset = random.uniform(0.6, 1.1), random.uniform(-0.4, 0.4)
    rod, width = random.uniform(2.2, 3.2), random.uniform(0.35, 0.7)

    def draw(canvas: Canvas, part: float) -> None:
        shaft = (-2.0, 0.0)
        pin = _polar(shaft, crank, 2 * pi * part)
        slider = (pin[0] + sqrt(rod**2 - (pin[1] - offset) ** 2), offset)
        canvas.bar([(-0.5, offset - 0.8), (3.0, offset - 0.8)], 0, 0.15)
        x, y = slider
        canvas.plate(
            [(x - width, y - 0.6), (x + width, y - 0.6), (x + width, y + 0.6), (x - width, y + 0.6)], 3
        )
        canvas.bar([pin, slider], 2)
        canvas.disc(shaft, crank * 1.15, 0)
        canvas.bar([shaft, pin], 1, 0.3)

    return draw


def gears(random: Random) -> Machine:
    """Two wheels with the same number of teeth and a mark on each: the period is a whole turn."""
    teeth, radius = random.choice((7, 8, 9, 10)), random.uniform(1.2, 1.5)
    mark = random.uniform(0.25, 0.4)

    def wheel(canvas: Canvas, centre: Point, angle: float, ink: int) -> None:
        corners = []
        for tooth in range(teeth):
            for place, reach in ((-0.25, 1.0), (-0.12, 1.22), (0.12, 1.22), (0.25, 1.0)):
                corners.append(_polar(centre, radius * reach, angle + 2 * pi * (tooth + place) / teeth))
        canvas.plate(corners, ink)
        canvas.hole(_polar(centre, radius * 0.55, angle), mark)

    def draw(canvas: Canvas, part: float) -> None:
        wheel(canvas, (-radius * 1.12, 0.0), 2 * pi * part, 2)
        wheel(canvas, (radius * 1.12, 0.0), pi - 2 * pi * part + pi / teeth, 3)

    return draw


def cam(random: Random) -> Machine:
    """A disc cam that lifts its follower, lets it dwell, lowers it and lets it dwell again."""
    base, lift = random.uniform(0.7, 1.0), random.uniform(0.5, 0.9)

    def raised(angle: float) -> float:
        part = (angle / (2 * pi)) % 1
        if part < 0.33:
            rise = part / 0.33
            return lift * (rise - sin(2 * pi * rise) / (2 * pi))
        if part < 0.5:
            return lift
        if part < 0.83:
            fall = (part - 0.5) / 0.33
            return lift * (1 - fall + sin(2 * pi * fall) / (2 * pi))
        return 0.0

    def draw(canvas: Canvas, part: float) -> None:
        turn = 2 * pi * part
        shaft = (0.0, -1.0)
        outline = [
            _polar(shaft, base + raised(2 * pi * step / 60), 2 * pi * step / 60 - turn + pi / 2)
            for step in range(60)
        ]
        canvas.plate(outline, 2)
        canvas.hole(shaft, 0.2)
        tip = shaft[1] + base + raised(turn)
        canvas.bar([(0.0, tip + 0.2), (0.0, tip + 1.8)], 1, 0.35)
        canvas.disc((0.0, tip + 0.2), 0.2, 0)

    return draw


def wiper(random: Random) -> Machine:
    """An arm that swings, and returns the way it came."""
    swing, length = random.uniform(0.5, 1.0), random.uniform(2.0, 2.7)

    def draw(canvas: Canvas, part: float) -> None:
        foot = (0.0, -1.4)
        angle = pi / 2 + swing * sin(2 * pi * part)
        canvas.bar([foot, _polar(foot, length, angle)], 1, 0.35)
        canvas.disc(_polar(foot, length, angle), 0.4, 2)
        canvas.disc(foot, 0.35, 0)

    return draw


def rotor(random: Random) -> Machine:
    """An arm with a weight that turns all round."""
    length, weight = random.uniform(1.3, 2.0), random.uniform(0.3, 0.55)

    def draw(canvas: Canvas, part: float) -> None:
        canvas.disc(_CENTRE, 0.6, 0)
        canvas.bar([_CENTRE, _polar(_CENTRE, length, 2 * pi * part)], 1, 0.4)
        canvas.disc(_polar(_CENTRE, length, 2 * pi * part), weight, 2)

    return draw


def scissors(random: Random) -> Machine:
    """A lift of crossed links that rises and sinks."""
    arms, reach = random.choice((2, 3)), random.uniform(1.2, 1.6)

    def draw(canvas: Canvas, part: float) -> None:
        angle = 0.6 + 0.35 * sin(2 * pi * part)
        across, up = reach * cos(angle), reach * sin(angle) * 2 / arms * 1.2
        for number in range(arms):
            bottom = -2.2 + number * up
            canvas.bar([(-across, bottom), (across, bottom + up)], 1, 0.2)
            canvas.bar([(across, bottom), (-across, bottom + up)], 2, 0.2)
        top = -2.2 + arms * up
        canvas.bar([(-reach, top), (reach, top)], 3, 0.25)

    return draw


MACHINES: dict[str, Callable[[Random], Machine]] = {
    "four-bar": four_bar,
    "slider-crank": slider_crank,
    "gears": gears,
    "cam": cam,
    "wiper": wiper,
    "rotor": rotor,
    "scissors": scissors,
}


def any_look(random: Random) -> Look:
    """Returns a random place, size, turn and colours."""
    is_dark = random.random() < 0.25
    inks = tuple(_ink(random, is_dark=is_dark) for _ in range(4))
    level = random.randint(10, 40) if is_dark else random.randint(215, 252)
    return Look(
        turn=random.uniform(0, 2 * pi),
        scale=random.uniform(22, 28),
        middle=(SIZE[0] / 2 + random.uniform(-15, 15), SIZE[1] / 2 + random.uniform(-8, 8)),
        is_mirrored=random.random() < 0.5,
        paper=(level, level, level),
        inks=inks,
    )


def _ink(random: Random, *, is_dark: bool) -> Colour:
    low, high = (110, 250) if is_dark else (20, 170)
    return random.randint(low, high), random.randint(low, high), random.randint(low, high)


def drawn(machine: Machine, parts: Sequence[float], look: Look | None = None) -> list[Image.Image]:
    """Returns a picture of the machine at each phase, in fractions of its cycle."""
    pictures = []
    for part in parts:
        canvas = Canvas(look or Look())
        machine(canvas, part)
        pictures.append(canvas.picture())
    return pictures


def turning(periods: float, steps_per_period: float, start: float = 0.0) -> list[float]:
    """Returns the parts of the cycle of a clip of so many periods, one for each picture."""
    count = max(1, round(periods * steps_per_period))
    return [start + number / steps_per_period for number in range(count)]


def grey_pictures(pictures: Sequence[Image.Image], step: float) -> GreyPictures:
    """Returns pictures, one every `step` seconds, as the analysis receives them."""
    small = [
        picture.convert("L").resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX) for picture in pictures
    ]
    width, height = pictures[0].size
    return GreyPictures(
        pixels=b"".join(picture.tobytes() for picture in small),
        starts=[number * step for number in range(len(small))],
        duration=len(small) * step,
        width=width,
        height=height,
    )
