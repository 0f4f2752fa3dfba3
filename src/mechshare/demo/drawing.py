"""Engineering drawings that move: links, joints, frames and traces on light paper."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import hypot, pi

from PIL import Image, ImageDraw, ImageFont

from mechshare.demo.kinematics import Point, between, distance, polar

WIDTH, HEIGHT = 480, 360
"""Size of a picture, px."""
FINER = 4
"""Pictures are drawn this many times as large and averaged down, which smooths every edge."""

Color = tuple[int, int, int]
PAPER: Color = (249, 250, 251)
GRID: Color = (238, 241, 244)
INK: Color = (38, 49, 63)
GREY: Color = (112, 124, 138)
FAINT: Color = (198, 206, 214)
FRAME: Color = (222, 227, 232)
AMBER: Color = (232, 152, 56)
"""The colour of driving links."""
BLUE: Color = (74, 126, 178)
"""The colour of connecting links."""
TEAL: Color = (48, 154, 142)
"""The colour of driven links."""
RED: Color = (208, 62, 74)
"""The colour of traces."""

_EDGE = 1.4
_BAR = 13.0


class Sheet:
    """One picture, at first empty. Points are in units of the mechanism, whose (0, 0) stands at `origin` px from the
    top left and whose unit is `scale` px; what belongs to the drawing (widths of links, joints, lines) is in px.
    """

    def __init__(self, scale: float, origin: Point) -> None:
        self._image = _squared_paper().copy()
        self._draw = ImageDraw.Draw(self._image)
        self._scale = scale * FINER
        self._origin = (origin[0] * FINER, origin[1] * FINER)

    def units(self, px: float) -> float:
        """Converts px on the paper to units of the mechanism."""
        return px * FINER / self._scale

    def picture(self, heading: str, note: str) -> Image.Image:
        """The finished picture, WIDTH x HEIGHT px, with heading and facts in the corner."""
        self.text((16, 12), heading, 17, INK)
        self.text((16, 35), note, 11.5, GREY)
        return self._image.reduce(FINER)

    def thumbnail(self, heading: str, shrunk: int) -> Image.Image:
        """The picture `shrunk` times smaller, with a heading that is still legible."""
        self.text((16, 12), heading, 11.5 * shrunk, INK)
        return self._image.reduce(FINER * shrunk)

    def text(self, at: Point, words: str, size: float, color: Color, anchor: str = "la") -> None:
        """`at` in px from the top left, `size` in px; `anchor` as in Pillow (left ascender)."""
        place = (at[0] * FINER, at[1] * FINER)
        self._draw.text(place, words, fill=color, font=ImageFont.load_default(size * FINER), anchor=anchor)

    def link(self, points: Sequence[Point], color: Color, width: float = _BAR) -> None:
        """A rigid body with rounded ends: a bar through two points, a plate through more."""
        edges = list(pairwise(points)) if len(points) == 2 else list(pairwise([*points, points[0]]))
        for grown, shade in ((0.0, mixed(color, INK, 0.45)), (-2 * _EDGE, color)):
            for a, b in edges:
                self._capsule(a, b, width + grown, shade)
            if len(points) > 2:
                self._draw.polygon([self._at(point) for point in points], fill=shade)

    def joint(self, at: Point, radius: float = 4.6) -> None:
        self._circle(at, radius + _EDGE, INK)
        self._circle(at, radius, PAPER)

    def pencil(self, at: Point, strength: float = 1.0) -> None:
        """The point that draws the trace; it fades and shrinks away as `strength` goes to 0."""
        self._circle(at, 5.6 * strength, PAPER)
        self._circle(at, 4.2 * strength, mixed(PAPER, RED, strength))

    def disc(self, at: Point, radius: float, color: Color) -> None:
        """A disc; `radius` in units."""
        px = radius * self._scale / FINER
        self._circle(at, px, mixed(color, INK, 0.45))
        self._circle(at, px - _EDGE, color)

    def circle(self, at: Point, radius: float) -> None:
        """The circular path of a point; `radius` in units."""
        (x, y), reach = self._at(at), radius * self._scale
        self._draw.ellipse(
            (x - reach, y - reach, x + reach, y + reach), outline=FAINT, width=round(1.2 * FINER)
        )

    def body(self, points: Sequence[Point], color: Color) -> None:
        """A closed outline, filled."""
        corners = [self._at(point) for point in points]
        self._draw.polygon(corners, fill=color)
        self._draw.line([*corners, *corners[:2]], fill=mixed(color, INK, 0.55), width=round(_EDGE * FINER))

    def line(self, points: Sequence[Point], color: Color, width: float = 1.4) -> None:
        corners = [self._at(point) for point in points]
        self._draw.line(corners, fill=color, width=round(width * FINER), joint="curve")

    def dashes(self, a: Point, b: Point, color: Color = FAINT) -> None:
        """A thin dashed line, for construction lines."""
        count = max(1, round(distance(a, b) / self.units(9)))
        for step in range(count):
            self.line([between(a, b, step / count), between(a, b, (step + 0.55) / count)], color, 1.2)

    def dimension(self, a: Point, b: Point, words: str) -> None:
        """A horizontal dimension line from `a` to `b` with its value above."""
        self.line([a, b], GREY, 1.0)
        long, half = self.units(8), self.units(2.2)
        for tip, inward in ((a, long), (b, -long)):
            corners = [tip, (tip[0] + inward, tip[1] + half), (tip[0] + inward, tip[1] - half)]
            self._draw.polygon([self._at(corner) for corner in corners], fill=GREY)
            self.line([(tip[0], tip[1] - 2 * half), (tip[0], tip[1] + 2 * half)], GREY, 1.0)
        self.label(between(a, b, 0.5), words, above=5)

    def label(self, at: Point, words: str, above: float = 0.0) -> None:
        """Small text centred `above` px over a point of the mechanism, or under it if `above` < 0."""
        x, y = self._at(at)
        anchor = "mb" if above >= 0 else "mt"
        self.text((x / FINER, y / FINER - above), words, 10.5, GREY, anchor)

    def leaf(self, points: Sequence[Point], color: Color, width: float) -> None:
        """A bent leaf spring whose middle line is given, `width` px thick."""
        half = self.units(width / 2)
        left, right = [], []
        for number, (x, y) in enumerate(points):
            (ax, ay), (bx, by) = points[max(0, number - 1)], points[min(len(points) - 1, number + 1)]
            length = hypot(bx - ax, by - ay)
            nx, ny = (ay - by) / length * half, (bx - ax) / length * half
            left.append((x + nx, y + ny))
            right.append((x - nx, y - ny))
        self.body([*left, *reversed(right)], color)

    def trace(self, position: Callable[[float], Point], part: float, steps: int = 150) -> None:
        """The trace of `position`, a function of the part of the cycle, over the last cycle; it fades with age."""
        half = 1.1 * FINER
        way = [self._at(position(part - age / steps)) for age in range(steps + 1)]
        left, top = (round(min(ways) - 2 * half) for ways in zip(*way, strict=True))
        right, bottom = (round(max(ways) + 2 * half) for ways in zip(*way, strict=True))
        fade = Image.new("L", (right - left, bottom - top), 0)
        strokes = ImageDraw.Draw(fade)
        way = [(x - left, y - top) for x, y in way]
        for age in range(steps - 1, -1, -1):
            alpha = round(235 * (1 - 0.82 * age / steps))
            x, y = way[age]
            strokes.line([way[age + 1], way[age]], fill=alpha, width=round(2 * half))
            strokes.ellipse((x - half, y - half, x + half, y + half), fill=alpha)
        self._image.paste(RED, (left, top), fade)
        self.pencil(position(part))

    def pivot(self, at: Point, turn: float = 0.0, size: float = 15.0) -> None:
        """A joint of the frame: a triangle on hatched ground, which is `turn` from below it, counter-clockwise.

        `size`, in px, is half the ground's width.
        """
        down = turn - pi / 2
        foot = polar(at, self.units(4 + 0.85 * size), down)
        half = self.units(size)
        sides = [polar(foot, half * 0.62, down - pi / 2), polar(foot, half * 0.62, down + pi / 2)]
        self.body([at, *sides], FRAME)
        self.ground(polar(foot, half, down - pi / 2), polar(foot, half, down + pi / 2))
        self.joint(at)

    def ground(self, a: Point, b: Point) -> None:
        """The frame's edge from `a` to `b`, hatched on its right."""
        length = distance(a, b)
        ahead = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
        right = (ahead[1], -ahead[0])
        deep, gap = self.units(6.5), self.units(6.5)
        for step in range(round(length / gap)):
            x, y = between(a, b, (step + 1) * gap / length if (step + 1) * gap < length else 1.0)
            foot = (x + (right[0] - ahead[0]) * deep, y + (right[1] - ahead[1]) * deep)
            self.line([(x, y), foot], GREY, 1.0)
        self.line([a, b], INK, 1.8)

    def pedestal(self, shaft: Point, floor: float) -> None:
        """A bearing's stand behind a wheel: from the shaft down to y = floor."""
        narrow, wide = self.units(11), self.units(24)
        corners = [
            (shaft[0] - narrow, shaft[1]),
            (shaft[0] - wide, floor),
            (shaft[0] + wide, floor),
            (shaft[0] + narrow, shaft[1]),
        ]
        self.body([*corners, *(polar(shaft, narrow, pi * step / 12) for step in range(1, 12))], FRAME)

    def _capsule(self, a: Point, b: Point, width: float, color: Color) -> None:
        (ax, ay), (bx, by) = self._at(a), self._at(b)
        half = width * FINER / 2
        length = hypot(bx - ax, by - ay) or 1.0
        nx, ny = (ay - by) / length * half, (bx - ax) / length * half
        self._draw.polygon(
            [(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)], fill=color
        )
        for end in (a, b):
            self._circle(end, width / 2, color)

    def _circle(self, at: Point, radius: float, color: Color) -> None:
        (x, y), reach = self._at(at), radius * FINER
        self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=color)

    def _at(self, point: Point) -> Point:
        return self._origin[0] + point[0] * self._scale, self._origin[1] - point[1] * self._scale


def mixed(color: Color, other: Color, part: float) -> Color:
    """Mixes `part` (0 to 1) of `other` into `color`."""
    r, g, b = (round(one * (1 - part) + two * part) for one, two in zip(color, other, strict=True))
    return r, g, b


def coil(bottom: Point, top: Point, width: float, turns: int) -> list[Point]:
    """A coil spring in side view between two points on a vertical line: a zigzag with horizontal ends."""
    (x, low), high, half = bottom, top[1], width / 2
    bends = [
        (x + (half if number % 2 else -half), low + (high - low) * number / (2 * turns))
        for number in range(2 * turns + 1)
    ]
    return [(x + half, low), *bends, (x + half, high)]


@cache
def _squared_paper() -> Image.Image:
    paper = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), PAPER)
    draw = ImageDraw.Draw(paper)
    for x in range(20, WIDTH, 20):
        draw.rectangle((x * FINER, 0, x * FINER + FINER - 1, HEIGHT * FINER), fill=GRID)
    for y in range(20, HEIGHT, 20):
        draw.rectangle((0, y * FINER, WIDTH * FINER, y * FINER + FINER - 1), fill=GRID)
    return paper
