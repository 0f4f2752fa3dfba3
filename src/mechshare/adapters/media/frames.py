"""Reading a clip's frames one after the other, whatever its format."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFormat

Picture = NDArray[np.uint8]
"""Height x width x 3, RGB."""

_DEMUXERS = {
    MediaFormat.GIF: "gif",
    MediaFormat.APNG: "apng",
    MediaFormat.MP4: "mov",
    MediaFormat.MOV: "mov",
    MediaFormat.WEBM: "matroska",
}
_ASSUMED = Fraction(1, 25)
"""How long a frame is shown whose file does not say, in seconds."""


class RefusedClip(Exception):
    """The clip can't be processed, and trying again would not help."""

    def __init__(self, code: FailureCode, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture as it is shown (upright, on white), from `start` seconds for `duration` seconds."""

    picture: Picture
    start: Fraction
    duration: Fraction


@dataclass(frozen=True, slots=True)
class Clip:
    """What a file says of itself, and its frames. `expected` is how many it claims to have, 0 where it doesn't say."""

    codec: str
    expected: int
    frames: Iterator[TimedFrame]


@contextmanager
def opened(source: Path, format: MediaFormat, limits: MediaLimits) -> Iterator[Clip]:
    """The clip in `source`, read as `format` and as nothing else. Raises RefusedClip."""
    with source.open("rb") as file:
        if format is MediaFormat.WEBP:
            with Image.open(file, formats=["WEBP"]) as image:
                _refuse_size(image.width, image.height, limits)
                yield Clip("webp", 0, _webp_frames(image))
            return
        # The file is handed over open: without a name there is no protocol by which it could lead elsewhere.
        with av.open(file, "r", format=_DEMUXERS[format], metadata_errors="replace") as container:
            yield _contained(container, limits)


def _contained(container: InputContainer, limits: MediaLimits) -> Clip:
    if len(container.streams) > limits.streams:
        raise RefusedClip(FailureCode.TOO_MANY_STREAMS, f"{len(container.streams)} streams")
    stream = next(iter(container.streams.video), None)
    if stream is None:
        raise RefusedClip(FailureCode.NO_VIDEO)
    context = stream.codec_context
    if context is None:
        raise RefusedClip(FailureCode.UNSUPPORTED_CODEC)
    _refuse_size(context.width, context.height, limits)
    context.thread_count = 1
    return Clip(context.codec.name, stream.frames, _decoded(container, stream, limits))


def _refuse_size(width: int, height: int, limits: MediaLimits) -> None:
    if max(width, height) > limits.side or width * height > limits.area:
        raise RefusedClip(FailureCode.PICTURE_TOO_LARGE, f"{width} x {height} px")


def _decoded(container: InputContainer, stream: VideoStream, limits: MediaLimits) -> Iterator[TimedFrame]:
    """The frames, each with how long it is shown: until the next one, and the last as long as its packet says."""
    lengths: dict[int, Fraction] = {}
    waiting: tuple[Picture, Fraction] | None = None
    last = _ASSUMED
    base = stream.time_base or Fraction(1, 1000)
    for packet in container.demux(stream):
        if packet.pts is not None and packet.duration:
            lengths[packet.pts] = packet.duration * base
        for frame in packet.decode():
            _refuse_size(frame.width, frame.height, limits)
            start = _start_of(frame, base, waiting)
            if waiting is not None and start > waiting[1]:
                yield TimedFrame(waiting[0], waiting[1], start - waiting[1])
            waiting = (_picture(frame), start)
            last = lengths.pop(frame.pts, last) if frame.pts is not None else last
    if waiting is not None:
        yield TimedFrame(waiting[0], waiting[1], last)


def _start_of(frame: VideoFrame, base: Fraction, before: tuple[Picture, Fraction] | None) -> Fraction:
    if frame.pts is None:
        return before[1] + _ASSUMED if before else Fraction(0)
    return frame.pts * (frame.time_base or base)


def _picture(frame: VideoFrame) -> Picture:
    """The frame as it is shown: on white where it is transparent, and turned as a telephone's film asks."""
    names = {component.is_alpha for component in frame.format.components}
    if True in names or frame.format.has_palette:
        picture = _on_white(frame.to_ndarray(format="rgba").astype(np.uint8, copy=False))
    else:
        picture = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    turns = (frame.rotation // 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _on_white(pixels: NDArray[np.uint8]) -> Picture:
    alpha = pixels[..., 3:].astype(np.uint16)
    if alpha.min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    blended = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return blended.astype(np.uint8)


def _webp_frames(image: Image.Image) -> Iterator[TimedFrame]:
    start = Fraction(0)
    for frame in ImageSequence.Iterator(image):
        pixels = np.asarray(frame.convert("RGBA"))
        milliseconds: Any = frame.info.get("duration") or 0
        duration = Fraction(int(milliseconds), 1000) or Fraction(1, 10)
        yield TimedFrame(_on_white(pixels), start, duration)
        start += duration
