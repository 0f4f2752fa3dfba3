"""Clips for tests: a slider-crank that turns once, in a given size, with given delays and format."""

import multiprocessing
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from math import cos, pi, sin, sqrt
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from mechshare.domain.media import MediaFormat

SIZE = (160, 120)
_MILLISECOND = Fraction(1, 1000)
_CODECS = {
    MediaFormat.MP4: "libx264",
    MediaFormat.MOV: "libx264",
    MediaFormat.MKV: "libx264",
    MediaFormat.WEBM: "libvpx-vp9",
}
_PILLOW = {
    MediaFormat.GIF: "GIF",
    MediaFormat.APNG: "PNG",
    MediaFormat.WEBP: "WEBP",
    MediaFormat.AVIF: "AVIF",
}
WRITABLE = (*_PILLOW, *_CODECS)
"""The formats that `write_clip` writes with the given delays."""
_MUXERS = {MediaFormat.MKV: "matroska"}
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
_PIXELS = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p", "qtrle": "rgb24"}

Scene = Callable[[float], Image.Image]


def slider_crank(phase: float, size: tuple[int, int] = SIZE, background: Any = "white") -> Image.Image:
    """Draws the linkage after `phase` of a turn. A crank and a rod of twice its length drive a block along a line."""
    width, height = size
    unit = min(width / 8, height / 4)
    pivot = (width * 0.3, height / 2)
    angle = 2 * pi * phase
    pin = (pivot[0] + unit * cos(angle), pivot[1] + unit * sin(angle))
    reach = unit * cos(angle) + sqrt((2.5 * unit) ** 2 - (unit * sin(angle)) ** 2)
    block = (pivot[0] + reach, pivot[1])
    image = Image.new("RGBA", size, background)
    draw = ImageDraw.Draw(image)
    draw.line([pivot, pin], fill="firebrick", width=max(1, round(unit / 4)))
    draw.line([pin, block], fill="steelblue", width=max(1, round(unit / 4)))
    draw.rectangle(
        [block[0] - unit / 2, block[1] - unit / 3, block[0] + unit / 2, block[1] + unit / 3], fill="black"
    )
    return image


_REAL_TIME = ("libsvtav1",)
"""Encoders that make their process a real-time one (SCHED_FIFO) if it is root's. The tests, and all servers that they
start, would then starve the machine, so these encoders run in a process of their own."""
CHILD_TIMEOUT = 300


def write_clip(
    path: Path,
    delays: Sequence[int],
    *,
    format: MediaFormat | None = None,
    size: tuple[int, int] = SIZE,
    scene: Scene | None = None,
    **details: Any,
) -> Path:
    """Writes one turn with one frame for each of `delays`, in ms. The suffix of `path` decides the format."""
    format = format or MediaFormat(path.suffix.removeprefix("."))
    count = len(delays)
    draw = scene or (lambda phase: slider_crank(phase, size))
    images = [draw(index / count) for index in range(count)]
    if details.get("codec") in _REAL_TIME:
        _write_video_in_child(path, format, images, delays, details)
    elif format in _CODECS:
        _write_video(path, format, images, delays, **details)
    else:
        _write_pictures(path, format, images, delays, **details)
    return path


def _write_video_in_child(
    path: Path,
    format: MediaFormat,
    images: list[Image.Image],
    delays: Sequence[int],
    details: dict[str, Any],
) -> None:
    child = multiprocessing.get_context("spawn").Process(
        target=_write_video, args=(path, format, images, delays), kwargs=details
    )
    child.start()
    child.join(CHILD_TIMEOUT)
    assert child.exitcode == 0, "the clip was not written"


def _write_pictures(
    path: Path, format: MediaFormat, images: list[Image.Image], delays: Sequence[int], **details: Any
) -> None:
    first, *rest = images
    kind = _PILLOW[format]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    first.save(
        path, kind, save_all=True, append_images=rest, duration=list(delays), loop=0, **lossless, **details
    )


def _write_video(
    path: Path,
    format: MediaFormat,
    images: list[Image.Image],
    delays: Sequence[int],
    *,
    codec: str | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    codec = codec or _CODECS[format]
    with av.open(
        str(path), "w", format=_MUXERS.get(format, format.value), options=options or {}
    ) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = images[0].size
        stream.pix_fmt = _PIXELS.get(codec, "yuv420p")
        stream.codec_context.time_base = _MILLISECOND
        stream.codec_context.thread_count = 1
        stream.options = _OPTIONS.get(codec, {})
        starts = [0, *accumulate(delays)]
        lengths = dict(zip(starts, delays, strict=False))
        for image, start in zip(images, starts, strict=False):
            frame = VideoFrame.from_image(image.convert("RGB"))
            frame.pts, frame.time_base = start, _MILLISECOND
            _mux(container, stream, frame, lengths)
        _mux(container, stream, None, lengths)


def _mux(container: Any, stream: Any, frame: VideoFrame | None, lengths: dict[int, int]) -> None:
    for packet in stream.encode(frame):
        start = round(packet.pts * packet.time_base / _MILLISECOND)
        packet.duration = round(lengths[start] * _MILLISECOND / packet.time_base)
        container.mux(packet)
