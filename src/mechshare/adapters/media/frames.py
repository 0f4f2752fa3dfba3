"""Reads the frames of a clip one after the other, in any supported format."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import SEEK_END, BytesIO
from typing import IO, Any, BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from PIL import Image

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.stated_frames import count_stated_frames
from mechshare.domain.media import FailureCode, MediaFormat

WORKING_SIDE = 1280
"""The longest side of `TimedFrame.image`, in px: no derivative is larger."""
_DEMUXERS = {
    MediaFormat.GIF: "gif",
    MediaFormat.APNG: "apng",
    MediaFormat.MP4: "mov",
    MediaFormat.MOV: "mov",
    MediaFormat.WEBM: "matroska",
}
_DECODERS = frozenset(
    ("gif", "apng", "png", "mjpeg", "h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "prores")
)
"""The allowed decoders. FFmpeg's hundreds of others are not needed and less well tested."""
_ASSUMED = Fraction(1, 10)
"""The duration of a frame whose file does not state it, in seconds, as in browsers."""
_MIN_GIF_DELAY = Fraction(2, 100)
"""A shorter delay in a GIF, in seconds, counts as not stated, as in browsers and ffprobe 5 (but not FFmpeg 8)."""
_INDEXED = frozenset((MediaFormat.MP4, MediaFormat.MOV))
_TIMED = _INDEXED | {MediaFormat.WEBM}
"""Formats that state their total duration."""
_ROTATIONS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_MARGIN = 256
_MICROSECOND = Fraction(1, 1_000_000)


class RefusedClip(Exception):
    """The clip can't be processed; a retry would not help."""

    def __init__(self, code: FailureCode, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture shown from `start` for `duration`, in seconds; the duration is 0 if the next one replaces it at once.

    `image` is RGB as displayed (upright, on white), at most WORKING_SIDE px a side; `width` x `height` px is the
    original size.
    """

    image: Image.Image
    width: int
    height: int
    start: Fraction
    duration: Fraction


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a file in display order; `done` returns how much of the file was read, 0..1."""

    codec: str
    frames: Iterator[TimedFrame]
    done: Callable[[], float]


@contextmanager
def opened(file: BinaryIO, format: MediaFormat, limits: MediaLimits) -> Iterator[Clip]:
    """Opens the clip in `file` as `format` and as no other. Raises RefusedClip, also while frames are read.

    Pillow reads WebP, because FFmpeg does not read animated WebP.
    """
    if format is MediaFormat.WEBP:
        with Image.open(in_memory(file), formats=["WEBP"]) as image:
            _refuse_size(image.width, image.height, limits)
            yield Clip("webp", _webp_frames(image, limits), lambda: image.tell() / _frames_in(image))
        return
    size = _size_of(file)
    width, height = _stated_size(file, format)
    _refuse_size(width, height, limits)
    _refuse_pixels(width * height * count_stated_frames(file, format), limits)
    # FFmpeg gets an open file and can't open others, so it needs no protocol.
    options = {
        "protocol_whitelist": "none",
        "format_whitelist": _DEMUXERS[format],
        "codec_whitelist": ",".join(sorted(_DECODERS)),
    }
    if format is not MediaFormat.WEBM:  # with this option, WebM alone would lose its stated size
        options["max_pixels"] = _max_pixels(limits)
    with av.open(
        file,
        "r",
        format=_DEMUXERS[format],
        options=options,
        metadata_errors="replace",
        io_open=_refuse_other_files,
    ) as container:
        yield _contained(container, file, size, format, limits)


def _size_of(file: IO[bytes]) -> int:
    """Returns the size in bytes, by seeking: the sandbox forbids the call by which glibc looks at an open file, since
    that call takes paths, too."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return size


def in_memory(file: IO[bytes]) -> BytesIO:
    """Returns the content, which Pillow reads whole anyway. `read()` without a size would look at the file."""
    return BytesIO(file.read(_size_of(file)))


def _stated_size(file: BinaryIO, format: MediaFormat) -> tuple[int, int]:
    """Returns the size in the header of a GIF or PNG, in px; 0 x 0 for others, whose size FFmpeg gives undecoded."""
    head = file.read(24)
    file.seek(0)
    if format is MediaFormat.GIF:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if format is MediaFormat.APNG:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return 0, 0


def _max_pixels(limits: MediaLimits) -> str:
    """Returns FFmpeg's option max_pixels. Decoders also count their margins."""
    return str(limits.area + _MARGIN * limits.side)


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise RefusedClip(FailureCode.UNREADABLE, "it refers to another file")


def _contained(
    container: InputContainer, file: BinaryIO, size: int, format: MediaFormat, limits: MediaLimits
) -> Clip:
    if len(container.streams) > limits.streams:
        raise RefusedClip(FailureCode.TOO_MANY_STREAMS, f"{len(container.streams)} streams")
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise RefusedClip(FailureCode.UNSUPPORTED_CODEC if container.streams.video else FailureCode.NO_VIDEO)
    context = stream.codec_context
    if context is None or context.codec.name not in _DECODERS:
        raise RefusedClip(FailureCode.UNSUPPORTED_CODEC, context.codec.name if context else "")
    _refuse_size(context.width, context.height, limits)
    _refuse_length(_declared_duration(container, stream), stream.frames, limits)
    stated = max(stream.frames, len(stream.index_entries) if format in _INDEXED else 0)
    _refuse_pixels(context.width * context.height * stated, limits)
    context.thread_count = 1
    context.options = {"max_pixels": _max_pixels(limits)}
    frames = _decoded(container, stream, format, limits)
    return Clip(context.codec.canonical_name, frames, lambda: file.tell() / size)


def _refuse_size(width: int, height: int, limits: MediaLimits) -> None:
    if max(width, height) > limits.side or width * height > limits.area:
        raise RefusedClip(FailureCode.PICTURE_TOO_LARGE, f"{width} x {height} px")


def _refuse_length(seconds: Fraction | None, frames: int, limits: MediaLimits) -> None:
    if seconds is not None and seconds > limits.duration:
        raise RefusedClip(FailureCode.TOO_LONG, f"{float(seconds):.0f} s")
    if frames > limits.frames:
        raise RefusedClip(FailureCode.TOO_LONG, f"{frames} frames")


def _refuse_pixels(pixels: int, limits: MediaLimits) -> None:
    """Raises RefusedClip if all frames together have more pixels than `limits` allows."""
    if pixels > limits.pixels:
        raise RefusedClip(FailureCode.TOO_MANY_PIXELS, f"{pixels:,} pixels in all frames")


def _declared_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Returns the duration of the video that the file states, in seconds."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return container.duration * _MICROSECOND if container.duration else None


def _decoded(
    container: InputContainer, stream: VideoStream, format: MediaFormat, limits: MediaLimits
) -> Iterator[TimedFrame]:
    """Yields the frames. Each is shown until the next one, the last for the duration that it or the file states."""
    base = stream.time_base or Fraction(1, 1000)
    context = stream.codec_context
    packets = pixels = shown = 0
    first = last = Fraction(0)
    pending: tuple[Image.Image, int, int, Fraction] | None = None
    for packet in container.demux(stream):
        packets += 1 if packet.size else 0
        _refuse_length(None, packets, limits)
        frames = packet.decode()
        if packet.size:  # it costs at least one picture, also if it shows none
            pixels += context.width * context.height
        for frame in frames:
            _refuse_size(frame.width, frame.height, limits)
            shown += frame.width * frame.height
        _refuse_pixels(max(pixels, shown), limits)
        for frame in frames:
            start = _start_of(frame, base, format, pending[3] + last if pending else Fraction(0))
            if pending is None:
                first = start
            else:
                start = max(start, pending[3])
                yield TimedFrame(*pending, start - pending[3])
            pending = (*_displayed(frame), start)
            _refuse_length(start - first, 0, limits)
            last = _duration_of(frame, base, format) or last or _average_duration(stream)
    if format in _INDEXED and packets < len(stream.index_entries):
        raise RefusedClip(FailureCode.TRUNCATED, f"{packets} of {len(stream.index_entries)} frames")
    if pending is not None:
        end = pending[3] + last
        if format in _TIMED:
            end = _corrected(end, _declared_end(container, stream, first), last)
        yield TimedFrame(*pending, end - pending[3])


def _start_of(frame: VideoFrame, base: Fraction, format: MediaFormat, default: Fraction) -> Fraction:
    if format is MediaFormat.GIF or frame.pts is None:
        return default
    return frame.pts * (frame.time_base or base)


def _duration_of(frame: VideoFrame, base: Fraction, format: MediaFormat) -> Fraction:
    length = (frame.duration or 0) * base
    return _ASSUMED if format is MediaFormat.GIF and length < _MIN_GIF_DELAY else length


def _average_duration(stream: VideoStream) -> Fraction:
    return 1 / stream.average_rate if stream.average_rate else _ASSUMED


def _declared_end(container: InputContainer, stream: VideoStream, first: Fraction) -> Fraction | None:
    """Returns the end of the last frame that the file states. A track's duration counts from its first frame."""
    declared = _declared_duration(container, stream)
    return declared + first if declared is not None and stream.duration is not None else declared


def _corrected(end: Fraction, declared: Fraction | None, last: Fraction) -> Fraction:
    """Returns the declared end if it differs from `end` by less than one frame, otherwise `end`.

    The declared end is more precise where timestamps are rounded (WebM: to a millisecond).
    """
    return declared if declared is not None and abs(declared - end) < last else end


def _displayed(frame: VideoFrame) -> tuple[Image.Image, int, int]:
    """Returns (image, width, height) as displayed: on white where transparent, and rotated as its metadata says."""
    if frame.format.has_palette or any(component.is_alpha for component in frame.format.components):
        image = _shrunk_image(_on_white(_image(frame.reformat(format="rgba", threads=1), "RGBA")))
    else:
        image = shrunk(frame, WORKING_SIDE)
    quarter_turns = round(frame.rotation / 90) % 4
    if quarter_turns:
        image = image.transpose(_ROTATIONS[quarter_turns])
    return (image, frame.height, frame.width) if quarter_turns % 2 else (image, frame.width, frame.height)


def shrunk(frame: VideoFrame, side: int) -> Image.Image:
    """Returns `frame` in RGB, at most `side` px a side. FFmpeg's scaler takes a third of the time of Pillow's."""
    width, height = _size_within(frame.width, frame.height, side)
    return _image(frame.reformat(width, height, "rgb24", interpolation=Interpolation.AREA, threads=1), "RGB")


def _image(frame: VideoFrame, mode: str) -> Image.Image:
    plane: Any = frame.planes[0]  # supports the buffer protocol (no copy), which Pillow's types don't express
    return Image.frombuffer(mode, (frame.width, frame.height), plane, "raw", mode, plane.line_size, 1)


def _on_white(image: Image.Image) -> Image.Image:
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    picture = Image.new("RGB", image.size, "white")
    picture.paste(image, mask=image)
    return picture


def _size_within(width: int, height: int, side: int = WORKING_SIDE) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrunk_image(image: Image.Image) -> Image.Image:
    size = _size_within(*image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def _frames_in(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1))


def _webp_frames(image: Image.Image, limits: MediaLimits) -> Iterator[TimedFrame]:
    """Yields the frames; a still picture has one. A frame without a stated duration lasts _ASSUMED seconds."""
    start = Fraction(0)
    _refuse_length(None, _frames_in(image), limits)
    _refuse_pixels(image.width * image.height * _frames_in(image), limits)
    for index in range(_frames_in(image)):
        image.seek(index)
        image.load()
        picture = _shrunk_image(_on_white(image.convert("RGBA")))
        duration = Fraction(int(image.info.get("duration") or 0), 1000) or _ASSUMED
        yield TimedFrame(picture, image.width, image.height, start, duration)
        start += duration
