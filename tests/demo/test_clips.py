"""The demonstration's clips match their declarations."""

from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageOps, ImageSequence, ImageStat

from mechshare.demo.clips import CLIPS, RATE, DemoClip, altered_copy, contact_sheet, main, render_clips
from mechshare.demo.drawing import HEIGHT, PAPER, WIDTH
from mechshare.demo.encoding import save_clip
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.media import SNIFF_BYTES, sniff


def name_of(clip: DemoClip) -> str:
    return clip.file_name


each_clip = pytest.mark.parametrize("clip", CLIPS, ids=name_of)
one_of_each_format = pytest.mark.parametrize(
    "clip", {Path(clip.file_name).suffix: clip for clip in CLIPS}.values(), ids=name_of
)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    reported: list[DemoClip] = []
    paths = render_clips(tmp_path_factory.mktemp("clips"), reported.append)
    assert reported == list(CLIPS) == [clip for clip, _ in paths]
    return {clip.file_name: path for clip, path in paths}


@each_clip
def test_a_clip_has_the_size_frames_and_period_that_it_declares(
    clip: DemoClip, rendered: dict[str, Path]
) -> None:
    path = rendered[clip.file_name]
    size, frames, milliseconds = _webp_facts(path) if path.suffix == ".webp" else _decoded_facts(path)
    assert size == (WIDTH, HEIGHT)
    assert frames == clip.frame_count
    assert milliseconds == pytest.approx(clip.period_ms, abs=1)


def _decoded_facts(path: Path) -> tuple[tuple[int, int], int, float]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == RATE
        frames = list(container.decode(stream))
        gaps = {round(float(b.time - a.time), 4) for a, b in pairwise(frames)}
        assert gaps == {1 / RATE}
        return (frames[0].width, frames[0].height), len(frames), len(frames) * 1000 / RATE


def _webp_facts(path: Path) -> tuple[tuple[int, int], int, float]:
    """Reads an animated WebP, which FFmpeg can't read."""
    with Image.open(path) as image:
        lengths = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            lengths.append(frame.info["duration"])
        return image.size, len(lengths), sum(lengths)


@each_clip
def test_mechshare_accepts_each_clip(clip: DemoClip, rendered: dict[str, Path]) -> None:
    head = rendered[clip.file_name].read_bytes()[:SNIFF_BYTES]
    found = sniff(head)
    assert found is not None
    assert found.value == Path(clip.file_name).suffix[1:]


@one_of_each_format
def test_a_clip_is_identical_each_time(clip: DemoClip, rendered: dict[str, Path], tmp_path: Path) -> None:
    again = tmp_path / clip.file_name
    save_clip(clip.frames(), RATE, again)
    assert again.read_bytes() == rendered[clip.file_name].read_bytes()


def test_an_altered_copy_is_mirrored_inverted_and_slower(rendered: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    altered_copy(rendered["four-bar.mp4"], copy)

    with av.open(str(rendered["four-bar.mp4"])) as container:
        original = next(container.decode(video=0)).to_image()
    with av.open(str(copy)) as container:
        frames = list(container.decode(video=0))
    expected = ImageOps.invert(ImageOps.mirror(original))
    mean = ImageStat.Stat(ImageChops.difference(frames[0].to_image(), expected).convert("L")).mean[0]
    assert mean < 3
    assert (len(frames), round(frames[1].time - frames[0].time, 4)) == (70, 1 / 20)


@each_clip
def test_the_last_frame_continues_into_the_first(clip: DemoClip) -> None:
    difference = ImageChops.difference(clip.scene.picture(0.0), clip.scene.picture(1.0)).convert("L")
    changed = sum(difference.histogram()[48:])
    assert changed < 40, "rounding may shift an edge by less than a pixel, and nothing more"


@each_clip
def test_something_moves(clip: DemoClip) -> None:
    assert ImageChops.difference(clip.scene.picture(0.1), clip.scene.picture(0.35)).getbbox() is not None


@each_clip
def test_nothing_is_cut_off_at_the_edge_or_written_over(clip: DemoClip) -> None:
    words = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    heading = clip.scene.picture(0.0).crop((0, 0, 300, 50))
    for number in range(0, clip.frame_count, 4):
        picture = clip.scene.picture(number / clip.frame_count)
        assert ImageChops.difference(picture.crop((0, 0, 300, 50)), heading).getbbox() is None
        ink = ImageChops.difference(picture, words).convert("L").point(lambda shade: 255 * (shade > 30))
        left, _, right, bottom = ink.getbbox() or (0, 0, 0, 0)
        assert left >= 10
        assert right <= WIDTH - 10
        assert bottom <= HEIGHT - 8


def test_every_clip_is_in_categories_that_a_new_installation_has() -> None:
    known = {slug for slug, _, _ in FIRST_CATEGORIES}
    assert {category for clip in CLIPS for category in clip.categories} <= known


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("歯車", "planetary-gear.mp4"),
        ("遊星歯車", "planetary-gear.mp4"),
        ("planetary", "planetary-gear.mp4"),
        ("四節リンク", "four-bar.mp4"),
        ("geneva", "geneva.mp4"),
        ("straight-line", "peaucellier.gif"),
    ],
)
def test_the_title_of_a_clip_has_common_search_terms(words: str, expected: str) -> None:
    assert [clip.file_name for clip in CLIPS if words in clip.title.lower()] == [expected]


def test_the_command_line_makes_a_sheet_of_all_clips(tmp_path: Path) -> None:
    picture = tmp_path / "sheet.png"
    main(["--sheet", str(picture)])
    with Image.open(picture) as sheet:
        assert sheet.size == (4 * WIDTH // 2, 2 * HEIGHT // 2)


def test_the_sheet_moves() -> None:
    assert ImageChops.difference(contact_sheet(0.0, 4), contact_sheet(0.3, 4)).getbbox() is not None


def test_the_command_line_refuses_to_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "OUT_DIR" in capsys.readouterr().err
