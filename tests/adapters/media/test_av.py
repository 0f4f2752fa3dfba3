"""The derivatives and facts of intact clips."""

import shutil
import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.ports.media import MediaRejected
from tests.adapters.media import ffprobe
from tests.clips import WRITABLE, slider_crank, write_clip

UNEVEN = [40, 40, 120, 33, 500, 70, 20, 90]
REAL = sorted((Path(__file__).parents[3] / "../shared/media").resolve().glob("*.gif"))
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def ffmpeg(*arguments) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Returns the difference of two pictures, 0 to 255; compression alone accounts for about 1."""
    seen = ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size))
    return float(ImageStat.Stat(seen.convert("L")).mean[0])


def alike(one: Image.Image, other: Image.Image) -> bool:
    return difference(one, other) < 2


def phase_of(picture: Image.Image, count: int) -> int:
    """Returns which of the `count` phases of the slider-crank `picture` shows."""
    return min(range(count), key=lambda index: difference(picture, slider_crank(index / count)))


def size_of(path: Path) -> tuple[int, int]:
    if path.suffix == ".mp4":
        return frames_of(path)[0].size
    with Image.open(path) as image:
        return image.size


def lengths_of(path: Path) -> list[int]:
    """Returns how long each frame of a preview is shown, in ms."""
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
        return [round(packet.duration * packet.time_base * 1000) for packet in packets]
    with Image.open(path) as image:
        lengths = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            lengths.append(image.info["duration"])
    return lengths


@pytest.mark.parametrize("format", WRITABLE)
@pytest.mark.parametrize("delays", [UNEVEN, [40] * 25], ids=["uneven", "even"])
async def test_the_facts_are_exact_in_each_format(tmp_path, process, format, delays):
    path = write_clip(tmp_path / f"clip.{format}", delays)
    expected = sum(delay // 10 * 10 for delay in delays) if format is MediaFormat.GIF else sum(delays)

    facts = (await process(path)).facts

    assert (facts.width, facts.height, facts.frame_count) == (160, 120, len(delays))
    assert facts.duration_ms == expected
    assert facts.frame_rate == pytest.approx(len(delays) * 1000 / expected, abs=0.001)


TIMINGS = [
    (format, delays)
    for format in (MediaFormat.GIF, MediaFormat.APNG, MediaFormat.MP4, MediaFormat.MOV, MediaFormat.WEBM)
    for delays in (UNEVEN, [33] * 10, [250], [7], [1, 10, 20, 30, 1, 10])
    if format is not MediaFormat.APNG or (min(delays) > 10 and len(delays) > 1)  # ffprobe keeps short delays
    if format is not MediaFormat.GIF or len(delays) > 1  # a GIF of one image is a picture
]


@ffprobe.needs_ffprobe()
@pytest.mark.parametrize(("format", "delays"), TIMINGS, ids=str)
async def test_facts_agree_with_ffprobe(tmp_path, process, format, delays):
    path = write_clip(tmp_path / f"clip.{format}", delays)

    facts = (await process(path)).facts

    assert facts.duration_ms == ffprobe.duration_ms(path)
    assert facts.frame_count == ffprobe.frame_count(path)


@ffprobe.needs_ffprobe()
@pytest.mark.skipif(not REAL, reason="the real clips are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
async def test_real_clips_keep_their_size_and_timing(process, path):
    made = await process(path)

    assert made.facts.duration_ms == ffprobe.duration_ms(path)
    assert made.facts.frame_count == ffprobe.frame_count(path)
    assert ffprobe.times_ms(made.video) == ffprobe.times_ms(path)
    assert ffprobe.duration_ms(made.video) == made.facts.duration_ms
    assert made.preview.stat().st_size < path.stat().st_size / 2


@pytest.mark.parametrize(
    ("name", "codec", "expected_codec"),
    [
        ("clip.mp4", "libsvtav1", "av1"),
        ("clip.webm", "libsvtav1", "av1"),
        ("clip.webm", "libvpx", "vp8"),
        ("clip.mov", "libx265", "hevc"),
        ("clip.mov", "prores_ks", "prores"),
        ("clip.mov", "mjpeg", "mjpeg"),
        ("clip.mp4", "mpeg4", "mpeg4"),
    ],
)
async def test_files_of_cameras_and_editors_are_read(tmp_path, process, name, codec, expected_codec):
    path = write_clip(tmp_path / name, [40] * 6, codec=codec)

    facts = (await process(path)).facts

    assert (facts.codec, facts.frame_count, facts.duration_ms) == (expected_codec, 6, 240)


async def test_other_codecs_are_refused_by_name(tmp_path, process):
    path = write_clip(tmp_path / "clip.mkv", [40] * 3, codec="ffv1")

    with pytest.raises(MediaRejected) as refusal:
        await process(path)

    assert (refusal.value.failure.code, refusal.value.failure.detail) == (
        FailureCode.UNSUPPORTED_CODEC,
        "ffv1",
    )
    assert refusal.value.permanent


async def test_a_file_with_only_sound_is_refused(tmp_path, process):
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)

    with pytest.raises(MediaRejected) as refusal:
        await process(path)

    assert refusal.value.failure.code is FailureCode.NO_VIDEO


async def test_the_video_shows_each_frame_at_the_right_time(tmp_path, process):
    path = write_clip(tmp_path / "clip.webp", UNEVEN)

    made = await process(path)

    starts = [sum(UNEVEN[:index]) for index in range(len(UNEVEN))]
    with av.open(str(made.video)) as container:
        stream = container.streams.video[0]
        shown = list(container.decode(stream))
        assert [round(frame.time * 1000) for frame in shown] == starts
        assert round(stream.duration * stream.time_base * 1000) == sum(UNEVEN)
    assert [phase_of(frame.to_image(), len(UNEVEN)) for frame in shown] == list(range(len(UNEVEN)))


@pytest.mark.parametrize(
    ("size", "video"),
    [((101, 75), (100, 76)), ((1, 1), (2, 2)), ((2560, 1440), (1920, 1080)), ((3000, 2), (1920, 2))],
)
async def test_the_video_has_even_sides_within_the_maximum(tmp_path, process, size, video):
    path = write_clip(tmp_path / "clip.gif", [100, 100], size=size, scene=lambda phase: plain(phase, size))

    made = await process(path)

    first = frames_of(made.video)[0]
    assert first.size == video
    assert (made.facts.width, made.facts.height) == size


def plain(phase: float, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, (int(255 * phase), 90, 0))


@pytest.mark.parametrize(
    ("size", "thumbnail", "preview"),
    [((160, 120), (160, 120), (160, 120)), ((1600, 800), (640, 320), (320, 160))],
)
async def test_pictures_are_never_enlarged(tmp_path, process, size, thumbnail, preview):
    path = write_clip(tmp_path / "clip.gif", [100] * 3, size=size)

    made = await process(path)

    assert (size_of(made.thumbnail), size_of(made.preview)) == (thumbnail, preview)


@pytest.mark.parametrize("format", [MediaFormat.GIF, MediaFormat.APNG, MediaFormat.WEBP])
async def test_transparent_pixels_become_white(tmp_path, process, format):
    path = write_clip(
        tmp_path / f"clip.{format}",
        [100] * 4,
        scene=lambda phase: slider_crank(phase, background=(0, 0, 0, 0)),
    )

    made = await process(path)

    assert alike(frames_of(made.video)[0], slider_crank(0))
    with Image.open(made.thumbnail) as image:
        assert min(image.convert("RGB").getpixel((2, 2))) > 250


async def test_the_thumbnail_is_a_sharp_frame_with_motion_and_no_cut(tmp_path, process):
    def scene(phase: float) -> Image.Image:
        if phase < 0.3 or phase > 0.8:
            return Image.new("RGB", (160, 120), "black")
        return slider_crank(0.0 if phase < 0.5 else 0.4)

    path = write_clip(tmp_path / "clip.webp", [100] * 10, scene=scene)

    made = await process(path)

    with Image.open(made.thumbnail) as thumbnail:
        assert alike(thumbnail, slider_crank(0.4))


async def test_the_preview_loops_the_first_seconds(tmp_path, process):
    path = write_clip(tmp_path / "clip.gif", [50] * 120)

    made = await process(path)

    lengths = lengths_of(made.preview)
    assert sum(lengths) == 4000
    assert len(lengths) <= 48


async def test_a_short_preview_lasts_as_long_as_the_clip(tmp_path, process):
    path = write_clip(tmp_path / "clip.webp", UNEVEN)

    made = await process(path)

    assert sum(lengths_of(made.preview)) == sum(UNEVEN)


async def test_metadata_about_place_and_author_is_removed(tmp_path, process):
    secret = "35.6586N 139.7454E Mika"
    exif = Image.Exif()
    exif[0x010E] = secret
    paths = [
        write_clip(tmp_path / "clip.gif", [100] * 3, comment=secret.encode()),
        write_clip(tmp_path / "clip.webp", [100] * 3, exif=exif, xmp=secret.encode()),
        write_clip(tmp_path / "clip.apng", [100] * 3, exif=exif),
        write_clip(
            tmp_path / "clip.mp4",
            [100] * 3,
            metadata={"title": secret, "comment": secret, "location": secret},
            options={"movflags": "use_metadata_tags"},
        ),
        write_clip(tmp_path / "clip.webm", [100] * 3, metadata={"title": secret}),
    ]
    for path in paths:
        assert secret.encode() in path.read_bytes(), f"{path.name} does not carry it"

        made = await process(path)

        for derivative in (made.thumbnail, made.video, made.preview):
            assert b"Mika" not in derivative.read_bytes()


@needs_ffmpeg
async def test_rotation_metadata_is_applied(tmp_path, process):
    path = write_clip(tmp_path / "lying.mp4", [40] * 5)
    turned = tmp_path / "turned.mp4"
    upright = tmp_path / "upright.png"
    ffmpeg("-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    ffmpeg("-i", turned, "-frames:v", "1", upright)

    made = await process(turned)

    assert (made.facts.width, made.facts.height) == (120, 160)
    with Image.open(upright) as expected:
        assert alike(frames_of(made.video)[0], expected)


@needs_ffmpeg
@ffprobe.needs_ffprobe()
async def test_a_clip_trimmed_without_reencoding_is_complete(tmp_path, process):
    path = write_clip(tmp_path / "long.mp4", [40] * 50)
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.9", "-i", path, "-c", "copy", cut)

    facts = (await process(cut)).facts

    assert facts.duration_ms == ffprobe.duration_ms(cut)
    assert facts.frame_count == ffprobe.frame_count(cut)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "sound"), [("clip.mp4", "aac"), ("clip.mov", "aac"), ("clip.webm", "libopus")]
)
async def test_longer_sound_makes_no_longer_clip(tmp_path, process, name, sound):
    silent = write_clip(tmp_path / f"silent-{name}", [40] * 10)
    path = tmp_path / name
    ffmpeg("-i", silent, "-f", "lavfi", "-i", "sine=d=2", "-c:v", "copy", "-c:a", sound, path)

    made = await process(path)

    assert (made.facts.duration_ms, made.facts.frame_count) == (400, 10)
    with av.open(str(made.video)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert container.duration == 400_000  # microseconds


async def test_mp4_and_mov_brands_are_interchangeable(tmp_path, process):
    path = write_clip(tmp_path / "clip.mp4", [40] * 3)

    assert (await process(path, format=MediaFormat.MOV)).facts.duration_ms == 120


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (MediaLimits(side=150), FailureCode.PICTURE_TOO_LARGE),
        (MediaLimits(area=19_000), FailureCode.PICTURE_TOO_LARGE),
        (MediaLimits(duration=0.9), FailureCode.TOO_LONG),
        (MediaLimits(frames=9), FailureCode.TOO_MANY_FRAMES),
    ],
    ids=["side", "area", "duration", "frames"],
)
@pytest.mark.parametrize("format", WRITABLE)
async def test_each_limit_is_enforced_in_each_format(tmp_path, into, process, limits, code, format):
    path = write_clip(tmp_path / f"clip.{format}", [100] * 10)

    with pytest.raises(MediaRejected) as refusal:
        await process(path, limits)

    assert (refusal.value.failure.code, refusal.value.permanent) == (code, True)
    assert list(into.iterdir()) == []


async def test_a_clip_at_the_limits_is_accepted(tmp_path, process):
    path = write_clip(tmp_path / "clip.mp4", [100] * 10)

    made = await process(path, MediaLimits(side=160, area=19_200, duration=1.0, frames=10, streams=1))

    assert made.facts.duration_ms == 1000
