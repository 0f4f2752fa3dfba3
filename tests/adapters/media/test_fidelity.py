"""Clips look as their files say: shape, colours and times, compared with what ffmpeg or Pillow shows."""

import struct
import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.ports.media import MediaRejected
from tests.adapters.media import ffprobe, hostile
from tests.adapters.media.conftest import ignore_progress
from tests.adapters.media.test_av import ffmpeg, frames_of, needs_ffmpeg, phase_of
from tests.clips import write_clip

pytestmark = needs_ffmpeg
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
MEMORY_OF_ONE = 400 * 2**20
"""Enough for the libraries, the encoder and two copies of a picture of 40 MB, not for eight frames."""
CORNERS = (
    "color=black:s=160x120:r=10:d=0.2,drawbox=c=red:w=80:h=60:t=fill,drawbox=c=blue:x=80:w=80:h=60:t=fill"
)


def luma_of(path: Path) -> int:
    """Returns the mean lightness of the first frame as stored, 16 to 235."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-vf", "scale=1:1,format=yuv420p"]
    done = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True)
    return done.stdout[0]


@pytest.mark.parametrize(
    ("name", "codec"), [("s.mp4", H264), ("s.webm", ["-c:v", "libvpx"]), ("s.avi", ["-c:v", "mpeg4"])]
)
async def test_pixels_that_are_not_square_are_stretched(tmp_path, process, name, codec):
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=180x144:r=10:d=0.2", "-vf", "setsar=64/45", *codec, path)

    made = await process(path)

    assert (made.facts.width, made.facts.height) == (256, 144)
    assert frames_of(made.video)[0].size == (256, 144)


MATRICES = {
    "mirrored": (-1, 0, 0, 1),
    "flipped": (1, 0, 0, -1),
    "half a turn": (-1, 0, 0, -1),
    "right": (0, 1, -1, 0),
    "left": (0, -1, 1, 0),
    "transposed": (0, 1, 1, 0),
    "transversed": (0, -1, -1, 0),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
async def test_the_track_matrix_moves_each_corner(tmp_path, process, matrix):
    plain, path = tmp_path / "plain.mp4", tmp_path / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", CORNERS, *H264, plain)
    a, b, c, d = (value * 0x10000 for value in matrix)
    entries = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(
        hostile.rewritten(plain.read_bytes(), b"tkhd", lambda box: box[:40] + entries + box[76:])
    )

    made = await process(path)

    shown = frames_of(made.video)[0]
    for x, y, colour in ((-1, -1, "red"), (1, -1, "blue")):
        to = x * matrix[0] + y * matrix[2], x * matrix[1] + y * matrix[3]
        at = tuple(
            side // 4 if sign < 0 else side * 3 // 4 for sign, side in zip(to, shown.size, strict=True)
        )
        red, _, blue = shown.getpixel(at)
        assert (red > 150, blue > 150) == (colour == "red", colour == "blue")


@pytest.mark.parametrize(
    ("transfer", "signal"), [("smpte2084", 0.5807), ("arib-std-b67", 0.75)], ids=["PQ", "HLG"]
)
async def test_white_of_high_dynamic_range_is_white(tmp_path, process, transfer, signal):
    path = tmp_path / "hdr.mp4"
    luma = round(64 + 876 * signal)
    tags = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:log-level=error:crf=4"
    source = f"nullsrc=s=64x64:r=10:d=0.2,format=yuv420p10le,geq=lum={luma}:cb=512:cr=512"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx265", "-x265-params", tags, path)

    made = await process(path)

    assert abs(luma_of(made.video) - 235) <= 20


@pytest.mark.parametrize(("size", "matrix"), [("1280x720", "bt709"), ("640x480", "smpte170m")])
async def test_video_without_colours_has_those_of_its_size(tmp_path, process, size, matrix):
    path = tmp_path / "green.mp4"
    source = f"color=0x20c040:s={size}:r=10:d=0.1,scale=out_color_matrix={matrix},format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", source, *H264, path)
    assert ffprobe.probe(path, "stream=color_space")["streams"][0].get("color_space", "unknown") == "unknown"

    made = await process(path)

    with Image.open(made.thumbnail) as thumbnail:
        shown = thumbnail.convert("RGB").getpixel((100, 100))
    assert shown == pytest.approx((0x20, 0xC0, 0x40), abs=6)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
async def test_transparent_video_is_white(tmp_path, process, codec):
    path = tmp_path / "clear.webm"
    source = "color=red:s=64x64:r=10:d=0.3,format=yuva420p,colorchannelmixer=aa=0"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", codec, "-auto-alt-ref", "0", path)

    made = await process(path)

    assert frames_of(made.video)[0].getpixel((30, 30)) == pytest.approx((255, 255, 255), abs=4)


@pytest.mark.parametrize("delay", [0, 10])
@pytest.mark.parametrize("name", ["clip.gif", "clip.apng", "clip.webp"])
async def test_delays_up_to_ten_milliseconds_last_a_tenth_of_a_second(tmp_path, process, name, delay):
    path = write_clip(tmp_path / name, [delay] * 5)

    assert (await process(path)).facts.duration_ms == 500


async def test_images_of_a_gif_without_control_blocks_are_frames(tmp_path, process):
    content = write_clip(tmp_path / "clip.gif", [100] * 4).read_bytes()
    control = content.index(b"!\xf9\x04")
    for _ in range(4):
        control = content.index(b"!\xf9\x04")
        content = content[:control] + content[control + 8 :]
    path = tmp_path / "plain.gif"
    path.write_bytes(content[:-1])  # without the trailer

    facts = (await process(path)).facts

    assert (facts.frame_count, facts.duration_ms) == (4, 400)


async def test_the_background_of_a_gif_is_white(tmp_path, process):
    screen = b"GIF89a\x20\0\x20\0\x80\1\0" + b"\0\0\0" + b"\0\0\xff"  # colour 1, blue, is the background
    image = b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    path = tmp_path / "corner.gif"
    path.write_bytes(screen + image + b";")

    made = await process(path)

    with Image.open(made.thumbnail) as thumbnail:
        assert min(thumbnail.convert("RGB").getpixel((25, 25))) > 250


async def test_an_apng_of_sixteen_bits_keeps_its_colours(tmp_path, process):
    path = tmp_path / "deep.apng"
    ffmpeg(
        *(
            "-f",
            "lavfi",
            "-i",
            "color=0x20c040:s=64x64:r=10:d=0.3,format=rgb48be",
            "-c:v",
            "apng",
            "-f",
            "apng",
        ),
        path,
    )

    made = await process(path)

    with Image.open(made.thumbnail) as thumbnail:
        assert thumbnail.convert("RGB").getpixel((30, 30)) == pytest.approx((0x20, 0xC0, 0x40), abs=6)
    assert made.facts.frame_count == 3


async def test_a_resolution_that_changes_fits_into_the_first(tmp_path, process):
    parts = []
    for size in ("160x120", "80x120"):
        parts.append(tmp_path / f"{size}.h264")
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=10:d=0.5", *H264, "-bf", "0", parts[-1])
    stream, path = tmp_path / "both.h264", tmp_path / "both.mp4"
    stream.write_bytes(b"".join(part.read_bytes() for part in parts))
    ffmpeg("-r", "10", "-i", stream, "-c", "copy", path)

    made = await process(path)

    assert (made.facts.width, made.facts.height) == (160, 120)
    last = frames_of(made.video)[-1]
    assert max(last.getpixel((5, 60))) < 30  # the bar beside the narrow picture


async def test_interlaced_frames_become_full_pictures(tmp_path, process):
    path = tmp_path / "interlaced.mp4"
    weave = "testsrc2=s=160x120:r=50:d=0.4,tinterlace=interleave_top,fieldorder=tff"
    ffmpeg("-f", "lavfi", "-i", weave, *H264, "-flags", "+ilme+ildct", "-x264opts", "tff=1", path)

    made = await process(path)

    assert (made.facts.frame_count, made.facts.duration_ms) == (10, 400)
    assert ffprobe.probe(made.video, "stream=field_order")["streams"][0].get("field_order") == "progressive"


async def test_an_audio_file_with_a_cover_picture_is_refused(tmp_path, process):
    path = tmp_path / "song.mp4"
    ffmpeg(
        *(
            "-f",
            "lavfi",
            "-i",
            "sine=d=0.5",
            "-f",
            "lavfi",
            "-i",
            "color=red:s=64x64:d=0.1",
            "-map",
            "0",
            "-map",
            "1",
        ),
        *("-frames:v", "1", "-c:v", "mjpeg", "-c:a", "aac", "-disposition:v", "attached_pic", path),
    )

    with pytest.raises(MediaRejected) as refusal:
        await process(path)

    assert refusal.value.failure.code is FailureCode.NO_VIDEO


async def test_boxes_of_unknown_kind_are_skipped(tmp_path, process):
    content = write_clip(tmp_path / "clip.mp4", [100] * 3).read_bytes()
    head = int.from_bytes(content[:4], "big")
    path = tmp_path / "boxes.mp4"
    strange = b"".join((16).to_bytes(4, "big") + kind + bytes(8) for kind in (b"beam", b"pdin"))
    index = content.index(b"moov") - 4
    path.write_bytes(content[:index] + strange + content[index:])
    assert head < index

    assert (await process(path)).facts.frame_count == 3


async def test_a_few_broken_packets_are_left_out(tmp_path, process):
    path = write_clip(tmp_path / "clip.webm", [100] * 20)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][10]
        broken = bytes(packet)
    content = path.read_bytes()
    path.write_bytes(content.replace(broken, b"\xff" * len(broken), 1))

    assert 10 < (await process(path)).facts.frame_count < 20


async def test_many_frames_a_second_are_counted_and_thinned_for_the_video(tmp_path, process):
    path = tmp_path / "fast.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=240:d=2", *H264, path)

    made = await process(path)

    assert (made.facts.frame_count, made.facts.duration_ms) == (480, 2000)
    assert ffprobe.frame_count(made.video) == 120
    assert ffprobe.duration_ms(made.video) == 2000


async def test_the_video_has_a_key_frame_each_second(tmp_path, process):
    path = tmp_path / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:r=10:d=4", *H264, path)

    made = await process(path)

    with av.open(str(made.video)) as container:
        keys = [packet.pts * packet.time_base for packet in container.demux(video=0) if packet.is_keyframe]
    assert keys == [0, 1, 2, 3]


async def test_the_refusal_names_the_bound_that_was_met(tmp_path, process):
    path = tmp_path / "long.gif"  # a short clip could be ready before its time is looked at
    path.write_bytes(hostile.gif(2000, 2000, 3700, 2))

    with pytest.raises(MediaRejected) as refusal:
        await process(path, MediaLimits(base_cpu_seconds=0, pixel_nanoseconds=0, frame_nanoseconds=0))

    assert refusal.value.failure.code is FailureCode.TIMED_OUT
    assert "processor time" in refusal.value.failure.detail
    assert "at most 0.0 s" in refusal.value.failure.detail


async def test_memory_holds_one_large_picture_however_many_frames_there_are(tmp_path, process):
    path = tmp_path / "large.gif"
    path.write_bytes(hostile.gif(4096, 2440, 8))  # 40 MB a picture

    made = await process(path, MediaLimits(memory=MEMORY_OF_ONE))

    assert made.facts.frame_count == 8


async def test_the_thumbnail_shows_the_frame_that_a_player_shows_at_the_moment(tmp_path, into):
    path = write_clip(tmp_path / "clip.mp4", [33, 33, 34] * 3)
    phases = []
    for at in (0.066, 0.099, 0.2):
        drawn = await AvMediaProcessor().draw_thumbnail(path, MediaFormat.MP4, at, into, ignore_progress)
        with Image.open(drawn) as thumbnail:
            phases.append(phase_of(thumbnail, 9))

    assert phases == [2, 2, 6]
