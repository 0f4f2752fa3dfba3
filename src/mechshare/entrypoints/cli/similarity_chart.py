"""A picture of how similar the pictures of a clip are to those some time later."""

from PIL import Image, ImageDraw, ImageFont

from mechshare.domain.motion import MotionAnalysis

_WIDTH, _HEIGHT = 960, 400
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 30, _WIDTH - 20, _HEIGHT - 50
"""The edges of the plot, in px."""
_PAPER, _INK, _GRID, _CURVE, _PERIOD = "#ffffff", "#17202a", "#d8ddd8", "#0b5f7d", "#c05a1a"
_TICKS = 8
_MAX_MARKS = 100


def similarity_chart(found: MotionAnalysis) -> Image.Image:
    """Draws the similarity over the lag in seconds: 1 where pictures are equal, 0 where they are as different as any
    two. Vertical lines mark whole periods. A clip without a curve gets empty axes."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    max_lag = max(len(found.curve) - 1, 1) * (found.step or 1.0)
    _draw_axes(draw, max_lag)
    _draw_periods(draw, found.motion.period, max_lag)
    points = [
        (_x(lag * found.step, max_lag), _y(1 - difference)) for lag, difference in enumerate(found.curve)
    ]
    if len(points) > 1:
        draw.line(points, fill=_CURVE, width=2)
    return picture


def _draw_axes(draw: ImageDraw.ImageDraw, max_lag: float) -> None:
    font = ImageFont.load_default(14)
    for similarity in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(similarity)
        draw.line([(_LEFT, y), (_RIGHT, y)], fill=_GRID)
        draw.text((_LEFT - 8, y), f"{similarity:.2f}", fill=_INK, font=font, anchor="rm")
    for number in range(_TICKS + 1):
        lag = number * max_lag / _TICKS
        draw.text((_x(lag, max_lag), _BOTTOM + 8), f"{lag:.2f}", fill=_INK, font=font, anchor="mt")
    draw.text((_RIGHT, _HEIGHT - 8), "lag in s", fill=_INK, font=font, anchor="rb")
    draw.text((8, 6), "similarity", fill=_INK, font=font)


def _draw_periods(draw: ImageDraw.ImageDraw, period: float | None, max_lag: float) -> None:
    count = min(int(max_lag / period), _MAX_MARKS) if period else 0
    for number in range(1, count + 1):
        x = _x(number * (period or 0.0), max_lag)
        draw.line([(x, _TOP), (x, _BOTTOM)], fill=_PERIOD)


def _x(lag: float, max_lag: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * lag / max_lag


def _y(similarity: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * min(max(similarity, 0.0), 1.0)
