"""What every media processor promises."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from mechshare.domain.media import MediaFormat
from mechshare.ports.media import MediaProcessor, MediaRejected
from tests.contracts.harness import adapters_of


@pytest.fixture(params=adapters_of("media"))
async def media(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MediaProcessor]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.gif"
    frames = [Image.new("RGB", (64, 48), color) for color in ("white", "black", "red")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


class Heard:
    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    async def __call__(self, step: str, fraction: float) -> None:
        self.steps.append((step, fraction))


async def test_a_clip_gives_facts_and_three_files_in_the_folder_named(
    media: MediaProcessor, clip: Path, into: Path
) -> None:
    made = await media.process(clip, MediaFormat.GIF, into, Heard())
    for path in (made.thumbnail, made.video, made.preview):
        assert path.parent == into
        assert path.stat().st_size > 0
    assert {made.thumbnail.suffix, made.preview.suffix} == {".webp"}
    assert made.video.suffix == ".mp4"


async def test_the_facts_are_about_the_file_that_was_given(
    media: MediaProcessor, clip: Path, into: Path
) -> None:
    facts = (await media.process(clip, MediaFormat.GIF, into, Heard())).facts
    assert facts.size == clip.stat().st_size
    assert facts.sha256 == sha256(clip.read_bytes()).hexdigest()
    assert min(facts.width, facts.height, facts.duration_ms, facts.frame_count, facts.frame_rate) > 0


async def test_progress_is_told_in_steps_of_0_to_1(media: MediaProcessor, clip: Path, into: Path) -> None:
    heard = Heard()
    await media.process(clip, MediaFormat.GIF, into, heard)
    assert heard.steps
    assert all(step and 0.0 <= fraction <= 1.0 for step, fraction in heard.steps)


async def test_an_empty_file_is_refused_for_good(media: MediaProcessor, tmp_path: Path, into: Path) -> None:
    empty = tmp_path / "empty.gif"
    empty.touch()
    with pytest.raises(MediaRejected) as refused:
        await media.process(empty, MediaFormat.GIF, into, Heard())
    assert refused.value.permanent


async def test_what_is_refused_leaves_no_file_behind(
    media: MediaProcessor, tmp_path: Path, into: Path
) -> None:
    empty = tmp_path / "empty.gif"
    empty.touch()
    with pytest.raises(MediaRejected):
        await media.process(empty, MediaFormat.GIF, into, Heard())
    assert list(into.iterdir()) == []
