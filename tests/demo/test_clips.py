"""The demonstration's clips are what they say they are."""

from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops

from mechshare.demo.clips import CLIPS, DemoClip, render_clip
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.media import SNIFF_BYTES, sniff


def ids(clip: DemoClip) -> str:
    return clip.file_name


@pytest.mark.parametrize("clip", CLIPS, ids=ids)
def test_the_last_frame_leads_on_to_the_first(clip: DemoClip) -> None:
    difference = ImageChops.difference(clip.scene(0.0), clip.scene(1.0)).convert("L")
    changed = sum(difference.histogram()[64:])
    assert changed < 40, "rounding may shift an edge by less than a pixel, and nothing more"


@pytest.mark.parametrize("clip", CLIPS, ids=ids)
def test_something_moves(clip: DemoClip) -> None:
    assert ImageChops.difference(clip.scene(0.1), clip.scene(0.35)).getbbox() is not None


def test_clips_come_out_alike_each_time_with_the_frames_they_declare(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    shortest = [
        min(CLIPS, key=lambda clip: clip.period_ms),
        next(c for c in CLIPS if c.file_name.endswith("gif")),
    ]
    for clip in shortest:
        path = render_clip(clip, tmp_path, lambda done: None)
        again = render_clip(clip, tmp_path / "again", lambda done: None)
        assert path.read_bytes() == again.read_bytes()
        assert sniff(path.read_bytes()[:SNIFF_BYTES]) is not None
        assert _frames(path) == clip.frame_count


def _frames(path: Path) -> int:
    if path.suffix == ".gif":
        with Image.open(path) as image:
            return int(image.n_frames)
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_every_clip_is_in_categories_that_a_new_installation_has() -> None:
    known = {slug for slug, _, _ in FIRST_CATEGORIES}
    assert {category for clip in CLIPS for category in clip.categories} <= known
