"""The picture that shows the phases of a motion."""

from fractions import Fraction
from io import BytesIO
from math import cos, pi, sin
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from mechshare.adapters.media.phase_picture import PHASES, save_phases

_FRAMES = 20


def _place(phase: float) -> tuple[float, float]:
    return 80 + 50 * cos(2 * pi * phase), 60 + 50 * sin(2 * pi * phase)


@pytest.mark.parametrize(
    ("ground", "dot"), [("white", "black"), ("#303030", "yellow"), ("#2a7a5a", "#dddddd")]
)
async def test_five_moments_of_a_period_show_on_any_ground_the_last_one_strongest(
    tmp_path: Path, process, ground: str, dot: str
) -> None:
    frames = []
    for number in range(_FRAMES):
        image = Image.new("RGB", (160, 120), ground)
        x, y = _place(number / _FRAMES)
        ImageDraw.Draw(image).ellipse((x - 8, y - 8, x + 8, y + 8), fill=dot)
        frames.append(image)
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50, loop=0)
    made = await process(tmp_path / "a.gif")
    file = BytesIO()

    with made.video.open("rb") as video:
        save_phases(video, Fraction(0), Fraction(1), file)

    with Image.open(file) as drawn:
        shown = drawn.convert("L")
    empty = shown.getpixel(tuple(map(round, _place(0.1))))
    contrasts = [
        abs(shown.getpixel(tuple(map(round, _place(number / PHASES)))) - empty) for number in range(PHASES)
    ]
    assert min(contrasts) > 20
    assert contrasts[-1] > 1.5 * contrasts[0]
