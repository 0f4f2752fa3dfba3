"""docs/formats.md states what becomes of each container and codec: a clip of each row is processed."""

from pathlib import Path

import pytest

from mechshare.domain.media import SNIFF_BYTES, sniff
from mechshare.ports.media import MediaRejected
from tests.adapters.media.test_av import ffmpeg, needs_ffmpeg

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"
SOURCE = "testsrc2=s=176x144:r=10:d=0.3"
YUV = ["-pix_fmt", "yuv420p"]
CLIPS = {
    ("GIF", "gif"): ["clip.gif"],
    ("APNG", "apng"): ["-f", "apng", "clip.png"],
    ("WebP", "webp"): ["-c:v", "libwebp_anim", "clip.webp"],
    ("MP4", "h264"): ["-c:v", "libx264", *YUV, "clip.mp4"],
    ("MP4", "hevc"): ["-c:v", "libx265", "-x265-params", "log-level=error", "clip.mp4"],
    ("MP4", "mpeg4"): ["-c:v", "mpeg4", "clip.mp4"],
    ("MP4 (3GP)", "h263"): ["-c:v", "h263", "clip.3gp"],
    ("MP4", "av1"): ["-c:v", "libaom-av1", "-cpu-used", "8", "clip.mp4"],
    ("MOV", "h264"): ["-c:v", "libx264", *YUV, "clip.mov"],
    ("MOV", "prores"): ["-c:v", "prores_ks", "clip.mov"],
    ("MOV", "mjpeg"): ["-c:v", "mjpeg", "clip.mov"],
    ("MOV", "qtrle"): ["-c:v", "qtrle", "clip.mov"],
    ("MOV", "dnxhd"): ["-vf", "scale=1280:720", "-r", "25", "-c:v", "dnxhd", "-b:v", "90M", "clip.mov"],
    ("MOV", "cfhd"): ["-c:v", "cfhd", "clip.mov"],
    ("WebM", "vp8"): ["-c:v", "libvpx", "clip.webm"],
    ("WebM", "vp9"): ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "clip.webm"],
    ("WebM", "av1"): ["-c:v", "libaom-av1", "-cpu-used", "8", "clip.webm"],
    ("MKV", "h264"): ["-c:v", "libx264", *YUV, "clip.mkv"],
    ("MKV", "ffv1"): ["-c:v", "ffv1", "clip.mkv"],
    ("AVI", "h264"): ["-c:v", "libx264", *YUV, "clip.avi"],
    ("AVI", "mpeg4"): ["-c:v", "mpeg4", "clip.avi"],
    ("AVI", "mjpeg"): ["-c:v", "mjpeg", "clip.avi"],
    ("AVI", "rawvideo"): ["-c:v", "rawvideo", *YUV, "clip.avi"],
    ("MPEG-TS", "h264"): ["-c:v", "libx264", *YUV, "clip.ts"],
    ("MPEG-TS", "mpeg2video"): ["-r", "25", "-c:v", "mpeg2video", "clip.ts"],
    ("WMV", "wmv1"): ["-c:v", "wmv1", "clip.wmv"],
    ("WMV", "wmv2"): ["-c:v", "wmv2", "clip.wmv"],
    ("PNG without animation", "png"): ["-frames:v", "1", "clip.png"],
    ("FLV", "flv1"): ["-c:v", "flv1", "clip.flv"],
    ("Ogg", "theora"): ["-c:v", "libtheora", "clip.ogv"],
}
"""How ffmpeg writes a clip of each row."""
WRITTEN_ELSEWHERE = {
    ("AVIF, animated", "av1"),
    ("JPEG", "jpg"),
    ("TIFF", "tiff"),
    ("AVIF without animation", "avif"),
    *((extension.upper(), extension) for extension in ("pdf", "doc", "docx", "ppt", "pptx", "xls", "xlsx")),
}
"""Rows whose files other tests write, since ffmpeg can't."""


def stated() -> dict[tuple[str, str], str]:
    """Returns the results that the first table of the document states."""
    table = DOCUMENT.read_text().partition("|---|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    return {(container, codec): result.strip("`") for container, codec, result, _ in rows}


def test_the_table_has_the_rows_that_are_tested():
    assert set(stated()) == set(CLIPS) | WRITTEN_ELSEWHERE


@needs_ffmpeg
@pytest.mark.parametrize(("row", "options"), CLIPS.items(), ids=[" ".join(row) for row in CLIPS])
async def test_each_row_of_the_table_is_true(tmp_path, process, row, options):
    clip = tmp_path / options[-1]
    ffmpeg("-f", "lavfi", "-i", SOURCE, *options[:-1], clip)

    assert await result_of(clip, row[1], process) == stated()[row]


async def result_of(clip: Path, codec: str, process) -> str:
    with clip.open("rb") as file:
        if sniff(file.read(SNIFF_BYTES)) is None:
            return "415"
    try:
        made = await process(clip)
    except MediaRejected as refusal:
        return refusal.failure.code.value
    assert made.facts.codec == codec
    assert made.facts.frame_count is None or made.facts.frame_count >= 3
    return "taken"
