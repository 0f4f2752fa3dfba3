"""The contract suite of media processors.

The fixture `media` provides a processor. The suite makes its own clips: GIFs in which a bar turns.
"""

import asyncio
from hashlib import sha256
from math import cos, pi, sin
from pathlib import Path

import av
import pytest
from PIL import Image, ImageDraw

from mechshare.domain.file_types import ModelFormat
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff
from mechshare.ports.media import Derivatives, MediaProcessor, MediaRejected

SIZE = (160, 120)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.gif", frames=6, delay=100)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


def write_clip(path: Path, *, frames: int, delay: int) -> Path:
    """Writes a GIF with `delay` ms for each frame."""
    first, *rest = (_turned_bar(pi * number / frames) for number in range(frames))
    first.save(path, "GIF", save_all=True, append_images=rest, duration=delay, loop=0)
    return path


def _turned_bar(angle: float) -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    x, y, reach = SIZE[0] / 2, SIZE[1] / 2, SIZE[1] / 3
    ends = [(x + side * reach * cos(angle), y + side * reach * sin(angle)) for side in (-1, 1)]
    ImageDraw.Draw(image).line(ends, fill="firebrick", width=8)
    return image


async def ignore_progress(step: str, fraction: float) -> None:
    """Ignores the progress."""


def contents(made: Derivatives) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in parts(made).items()}


def parts(made: Derivatives) -> dict[str, Path]:
    assert made.video is not None
    assert made.preview is not None
    files = {"thumbnail": made.thumbnail, "video": made.video, "preview": made.preview}
    return files | ({"phases": made.phases} if made.phases else {})


def size_of(path: Path) -> tuple[int, int]:
    """Returns the size of a picture or video, once it is decoded."""
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            return frame.width, frame.height
    with Image.open(path) as image:
        image.load()
        return image.size


async def test_everything_is_made_in_the_given_folder(media: MediaProcessor, clip: Path, into: Path) -> None:
    made = await media.process(clip, MediaFormat.GIF, into, ignore_progress)

    formats = {name: sniff(content[:SNIFF_BYTES]) for name, content in contents(made).items()}
    assert (formats["thumbnail"], formats["video"]) == (MediaFormat.WEBP, MediaFormat.MP4)
    assert formats["preview"] in (MediaFormat.WEBP, MediaFormat.MP4)
    suffixes = {name: path.suffix for name, path in parts(made).items()}
    assert suffixes == {name: f".{format}" for name, format in formats.items()}
    assert set(into.iterdir()) == set(parts(made).values())
    assert len(set(contents(made).values())) == len(formats)


async def test_derivatives_can_be_decoded(media: MediaProcessor, clip: Path, into: Path) -> None:
    made = await media.process(clip, MediaFormat.GIF, into, ignore_progress)

    with av.open(str(made.video)) as container:
        frames = list(container.decode(video=0))
        assert [stream.type for stream in container.streams] == ["video"]
    assert len(frames) == made.facts.frame_count
    assert (frames[0].width, frames[0].height) == (made.facts.width, made.facts.height)
    assert max(size_of(made.thumbnail)) <= 640
    assert max(size_of(parts(made)["preview"])) <= 320


async def test_the_video_can_start_before_it_is_loaded(media: MediaProcessor, clip: Path, into: Path) -> None:
    made = await media.process(clip, MediaFormat.GIF, into, ignore_progress)

    content = parts(made)["video"].read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


async def test_the_facts_match_the_file(media: MediaProcessor, clip: Path, into: Path) -> None:
    before = clip.read_bytes()

    facts = (await media.process(clip, MediaFormat.GIF, into, ignore_progress)).facts

    assert (facts.size, facts.sha256) == (len(before), sha256(before).hexdigest())
    duration, count = facts.duration_ms or 0, facts.frame_count or 0
    assert min(facts.width, facts.height, duration, count) > 0
    assert facts.frame_rate == pytest.approx(count * 1000 / duration, abs=0.001)
    assert (facts.page_count, facts.audio) == (None, None)
    assert facts.codec
    assert clip.read_bytes() == before


async def test_files_are_processed_while_it_keeps_ready(
    media: MediaProcessor, clip: Path, into: Path
) -> None:
    keeping = asyncio.create_task(media.keep_ready())
    for name in ("first", "second"):
        (into / name).mkdir()
        made = await media.process(clip, MediaFormat.GIF, into / name, ignore_progress)
        assert set((into / name).iterdir()) == set(parts(made).values())
    assert not keeping.done()

    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_the_same_file_gives_the_same_bytes(media: MediaProcessor, clip: Path, into: Path) -> None:
    (into / "first").mkdir()
    (into / "second").mkdir()

    first = await media.process(clip, MediaFormat.GIF, into / "first", ignore_progress)
    second = await media.process(clip, MediaFormat.GIF, into / "second", ignore_progress)

    assert contents(first) == contents(second)
    assert first.facts == second.facts


async def test_progress_has_steps_and_fractions(media: MediaProcessor, clip: Path, into: Path) -> None:
    reports: list[tuple[str, float]] = []

    async def listen(step: str, fraction: float) -> None:
        reports.append((step, fraction))

    await media.process(clip, MediaFormat.GIF, into, listen)

    assert reports[0][0] == "decode"
    assert all(step.isalpha() and 0.0 <= fraction <= 1.0 for step, fraction in reports)


async def test_an_empty_file_fails_permanently_and_leaves_nothing(
    media: MediaProcessor, tmp_path: Path, into: Path
) -> None:
    empty = tmp_path / "empty.gif"
    empty.touch()

    with pytest.raises(MediaRejected) as refusal:
        await media.process(empty, MediaFormat.GIF, into, ignore_progress)

    assert refusal.value.failure.code is FailureCode.EMPTY
    assert refusal.value.permanent
    assert list(into.iterdir()) == []


async def test_a_progress_callback_may_abort_and_nothing_is_left(
    media: MediaProcessor, clip: Path, into: Path
) -> None:
    async def lose_interest(step: str, fraction: float) -> None:
        raise LookupError(step)

    with pytest.raises(LookupError):
        await media.process(clip, MediaFormat.GIF, into, lose_interest)

    assert list(into.iterdir()) == []


async def test_two_clips_at_once_do_not_disturb_each_other(
    media: MediaProcessor, clip: Path, tmp_path: Path, into: Path
) -> None:
    other = write_clip(tmp_path / "other.gif", frames=4, delay=50)
    (into / "one").mkdir()
    (into / "two").mkdir()

    one, two = await asyncio.gather(
        media.process(clip, MediaFormat.GIF, into / "one", ignore_progress),
        media.process(other, MediaFormat.GIF, into / "two", ignore_progress),
    )

    assert one.facts.sha256 == sha256(clip.read_bytes()).hexdigest()
    assert two.facts.sha256 == sha256(other.read_bytes()).hexdigest()
    assert contents(one) != contents(two)


async def test_a_thumbnail_shows_the_chosen_moment(media: MediaProcessor, clip: Path, into: Path) -> None:
    drawn = []
    for name, at in (("first", 0.0), ("again", 0.0), ("end", 1e6), ("usual", None)):
        (into / name).mkdir()
        path = await media.draw_thumbnail(clip, MediaFormat.GIF, at, into / name, ignore_progress)
        assert list((into / name).iterdir()) == [path]
        assert max(size_of(path)) <= 640
        drawn.append(path.read_bytes())

    first, again, end, usual = drawn
    assert first == again
    assert first != end
    assert sniff(usual[:SNIFF_BYTES]) is MediaFormat.WEBP


async def test_drawing_a_thumbnail_of_a_picture_writes_one_file(
    media: MediaProcessor, tmp_path: Path, into: Path
) -> None:
    picture = tmp_path / "picture.png"
    _turned_bar(1).resize((1280, 960)).save(picture, "PNG")

    path = await media.draw_thumbnail(picture, MediaFormat.PNG, None, into, ignore_progress)

    assert list(into.iterdir()) == [path]
    assert max(size_of(path)) <= 640


TETRAHEDRON = "".join(
    f"facet normal 0 0 0\n outer loop\n vertex {one}\n vertex {other}\n vertex {third}\n endloop\nendfacet\n"
    for one, other, third in (
        ("0 0 0", "1 0 0", "0 1 0"),
        ("0 0 0", "1 0 0", "0 0 1"),
        ("0 0 0", "0 1 0", "0 0 1"),
        ("1 0 0", "0 1 0", "0 0 1"),
    )
)


async def test_a_model_is_drawn_the_same_each_time(media: MediaProcessor, tmp_path: Path, into: Path) -> None:
    model = tmp_path / "model.stl"
    model.write_text(f"solid\n{TETRAHEDRON}endsolid\n")
    drawn = []
    for name in ("first", "again"):
        (into / name).mkdir()
        path = await media.draw_model(model, ModelFormat.STL, into / name, ignore_progress)
        assert list((into / name).iterdir()) == [path]
        assert max(size_of(path)) <= 640
        drawn.append(path.read_bytes())

    assert sniff(drawn[0][:SNIFF_BYTES]) is MediaFormat.WEBP
    assert drawn[0] == drawn[1]


async def test_metadata_is_removed_in_a_copy(media: MediaProcessor, tmp_path: Path, into: Path) -> None:
    photo, exif = tmp_path / "photo.jpg", Image.Exif()
    exif[0x010F] = "a secret camera"
    _turned_bar(0).save(photo, "JPEG", exif=exif)

    copy = await media.remove_metadata(photo, MediaFormat.JPEG, into, ignore_progress)

    assert list(into.iterdir()) == [copy]
    assert (b"secret" in photo.read_bytes(), b"secret" in copy.read_bytes()) == (True, False)
    with Image.open(photo) as before, Image.open(copy) as after:
        assert after.tobytes() == before.tobytes()


async def test_the_isolation_names_its_layers(media: MediaProcessor) -> None:
    isolation = await media.isolation()

    assert isolation.active
    assert all((*isolation.active, *isolation.missing))


async def test_a_picture_that_does_not_move_has_no_duration(
    media: MediaProcessor, tmp_path: Path, into: Path
) -> None:
    picture = tmp_path / "picture.png"
    _turned_bar(0).save(picture, "PNG")

    made = await media.process(picture, MediaFormat.PNG, into, ignore_progress)

    assert made.picture is not None
    assert (made.video, made.preview, made.pages) == (None, None, ())
    assert (made.facts.duration_ms, made.facts.frame_count, made.facts.frame_rate) == (None, None, None)
    assert size_of(made.picture) == (made.facts.width, made.facts.height)
    assert set(into.iterdir()) == {made.picture, made.thumbnail}


async def test_a_clip_is_analysed(media: MediaProcessor, clip: Path, into: Path) -> None:
    made = await media.process(clip, MediaFormat.GIF, into, ignore_progress)
    assert made.motion is not None
    assert made.video is not None

    again = into / "again"
    again.mkdir()
    found = await media.analyse(made.video, MediaFormat.MP4, again, ignore_progress)
    assert found.motion is not None
    assert found.motion.motion.kind is made.motion.motion.kind
    assert set(again.iterdir()) == {path for path in (found.preview, found.phases) if path}
    is_repeated = found.motion.motion.cut is not None
    assert (made.phases is not None, found.phases is not None) == (is_repeated, is_repeated)
    for phases in filter(None, (made.phases, found.phases)):
        with Image.open(phases) as picture:
            assert picture.format == "WEBP"
            picture.load()
