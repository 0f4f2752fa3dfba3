"""Parts of clips."""

import pytest

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.domain.media import MediaFormat
from mechshare.domain.trims import Trim
from tests.adapters.media.conftest import ignore_progress
from tests.clips import write_clip


@pytest.mark.parametrize(
    ("format", "trim", "expected"),
    [
        (MediaFormat.MP4, Trim(start_ms=100, end_ms=300), (200, 2)),
        (MediaFormat.MP4, Trim(start_ms=150), (350, 4)),
        (MediaFormat.GIF, Trim(end_ms=250), (250, 3)),
    ],
)
async def test_a_part_of_a_clip_is_exact_to_the_millisecond(tmp_path, into, format, trim, expected):
    clip = write_clip(tmp_path / f"clip.{format}", [100] * 5)

    made = await AvMediaProcessor().process(clip, format, into, ignore_progress, trim)

    assert (made.facts.duration_ms, made.facts.frame_count) == expected
