"""The longest clips that docs/formats.md promises end ready, at their full length and rate."""

import pytest

from tests.adapters.media import ffprobe
from tests.adapters.media.test_av import ffmpeg, needs_ffmpeg

pytestmark = needs_ffmpeg
LONGEST = {
    "1920x1080": (120, ["libx264", "-preset", "ultrafast"]),
    "3840x2160": (60, ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"]),
}
"""Seconds and encoder for each size, at 60 frames per second."""


@pytest.mark.parametrize("size", LONGEST)
async def test_the_longest_promised_clips_end_ready(tmp_path, process, long, figure, size):
    seconds, codec = LONGEST[size]
    seconds, drawn = (seconds, size) if long else (1, "320x180")
    path = tmp_path / "clip.mp4"
    source = f"testsrc2=s={drawn}:r=60:d={seconds}"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", *codec, "-pix_fmt", "yuv420p", path)

    made = await process(path)

    figure(f"{seconds} s of {drawn} at 60 frames per second: {path.stat().st_size / 2**20:.0f} MiB")
    assert (made.facts.frame_count, made.facts.duration_ms) == (60 * seconds, 1_000 * seconds)
    assert ffprobe.duration_ms(made.video) == made.facts.duration_ms
    assert abs(ffprobe.frame_count(made.video) - 60 * seconds) <= 1
