"""Engineering drawings that move: links, joints, grounds and traces on a light background."""

from collections.abc import Sequence
from math import atan2, cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from mechshare.demo.kinematics import Point, polar

WIDTH, HEIGHT = 480, 360
"""Size of a picture, px."""
_FINER = 2
"""Pictures are drawn this many times as large and scaled down, which smooths every edge."""

PAPER = (250, 250, 247)
INK = (38, 50, 62)
FAINT = (196, 203, 206)
STEEL = (92, 124, 148)
BLUE = (38, 112, 160)
GREEN = (66, 140, 108)
AMBER = (214, 142, 44)
RED = (198, 66, 58)

Color = tuple[int, int, int]


class Sheet:
    """One picture. `scale` is px for a unit of the mechanism, `origin` where its (0, 0) stands, in px from top left."""

    def __init__(self, scale: float, origin: Point) -> None:
        self._image = Image.new("RGB", (WIDTH * _FINER, HEIGHT * _FINER), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._scale = scale * _FINER
        self._origin = (origin[0] * _FINER, origin[1] * _FINER)

    def finished(self, title: str) -> Image.Image:
        font = ImageFont.load_default(15 * _FINER)
        self._draw.text((16 * _FINER, 12 * _FINER), title, fill=INK, font=font)
        return self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)

    def bar(self, a: Point, b: Point, color: Color, width: float = 0.26) -> None:
        """A link with rounded ends."""
        thick = width * self._scale
        self._draw.line([self._at(a), self._at(b)], fill=color, width=round(thick))
        for end in (a, b):
            self.disc(end, width / 2, color)

    def joint(self, at: Point, radius: float = 0.15) -> None:
        self.disc(at, radius, PAPER, outline=INK)

    def disc(self, at: Point, radius: float, color: Color, outline: Color | None = None) -> None:
        self._draw.ellipse(self._box(at, radius), fill=color, outline=outline, width=round(1.4 * _FINER))

    def cut_disc(
        self,
        at: Point,
        radius: float,
        color: Color,
        *,
        slots: Sequence[tuple[Point, Point, float]],
        discs: Sequence[tuple[Point, float]],
    ) -> None:
        """A disc from which slots (from, to, width) and other discs (centre, radius) are cut; what lies below shows."""
        mask = Image.new("L", self._image.size, 0)
        cutter = ImageDraw.Draw(mask)
        cutter.ellipse(self._box(at, radius), fill=255)
        for a, b, width in slots:
            cutter.line([self._at(a), self._at(b)], fill=0, width=round(width * self._scale))
            cutter.ellipse(self._box(b, width / 2), fill=0)
        for center, reach in discs:
            cutter.ellipse(self._box(center, reach), fill=0)
        self._image.paste(color, mask=mask)

    def ring(self, at: Point, radius: float, color: Color, width: float) -> None:
        self._draw.ellipse(self._box(at, radius), outline=color, width=round(width * self._scale))

    def shape(self, points: Sequence[Point], color: Color, outline: Color | None = None) -> None:
        corners = [self._at(point) for point in points]
        self._draw.polygon(corners, fill=color)
        if outline:
            self._draw.line([*corners, corners[0]], fill=outline, width=round(1.4 * _FINER), joint="curve")

    def curve(self, points: Sequence[Point], color: Color, width: float = 2.0) -> None:
        """An open line, `width` px thick."""
        corners = [self._at(point) for point in points]
        self._draw.line(corners, fill=color, width=round(width * _FINER), joint="curve")

    def trace(self, points: Sequence[Point], head: int, color: Color = RED) -> None:
        """A closed path, strongest where the tracing point (`points[head]`) just was, fading behind it."""
        count = len(points)
        for age in range(count - 1, -1, -1):
            a, b = points[(head - age) % count], points[(head - age - 1) % count]
            self.curve([a, b], _mixed(color, PAPER, 0.85 * age / count), 2.2)
        self.disc(points[head], 0.09, color)

    def ground(self, at: Point, size: float = 0.42, turn: float = 0.0) -> None:
        """A fixed pivot: a triangle on hatched ground, `turn` radians from upright."""
        corners = [polar(at, size * 1.15, turn - pi / 2 + spread) for spread in (-0.5, 0.5)]
        self.shape([at, *corners], PAPER, INK)
        foot = ((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2)
        self.hatch(polar(foot, size, turn + pi), polar(foot, size, turn), turn)
        self.joint(at)

    def hatch(self, a: Point, b: Point, turn: float = 0.0) -> None:
        """A line of the frame, hatched on the side that is `turn` radians from below."""
        self.curve([a, b], INK, 2.0)
        length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5
        along = atan2(b[1] - a[1], b[0] - a[0])
        for step in range(int(length / 0.16) + 1):
            start = polar(a, min(length, step * 0.16), along)
            self.curve([start, polar(start, 0.2, turn - pi * 0.7)], INK, 1.0)

    def _box(self, at: Point, radius: float) -> tuple[float, float, float, float]:
        x, y = self._at(at)
        reach = radius * self._scale
        return x - reach, y - reach, x + reach, y + reach

    def _at(self, point: Point) -> Point:
        return self._origin[0] + point[0] * self._scale, self._origin[1] - point[1] * self._scale


def turned(points: Sequence[Point], angle: float, center: Point = (0.0, 0.0)) -> list[Point]:
    """`points` turned about (0, 0) and moved to `center`."""
    c, s = cos(angle), sin(angle)
    return [(center[0] + x * c - y * s, center[1] + x * s + y * c) for x, y in points]


def _mixed(color: Color, other: Color, part: float) -> Color:
    r, g, b = (round(one * (1 - part) + two * part) for one, two in zip(color, other, strict=True))
    return r, g, b
