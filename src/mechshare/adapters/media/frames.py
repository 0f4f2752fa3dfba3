"""Reads the frames of a clip one after the other, in any supported format."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from io import SEEK_END, BytesIO
from typing import IO, Any, BinaryIO, Literal, NamedTuple, NoReturn

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from mechshare.adapters.media import alpha
from mechshare.adapters.media.deinterlacing import deinterlaced
from mechshare.adapters.media.gif import plain_gif
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import PictureMaker
from mechshare.adapters.media.pillow_frames import PLUGINS, frames_in, pillow_frames
from mechshare.adapters.media.refusals import (
    RefusedClip,
    refuse_duration,
    refuse_frames,
    refuse_pixels,
    refuse_size,
)
from mechshare.adapters.media.stated_frames import read_apng
from mechshare.adapters.media.timing import ASSUMED, Clip, TimedFrame, Work, shown_for
from mechshare.domain.media import FailureCode, MediaFormat

_DEMUXERS = {
    MediaFormat.GIF: "gif",
    MediaFormat.APNG: "apng",
    MediaFormat.MP4: "mov",
    MediaFormat.MOV: "mov",
    MediaFormat.WEBM: "matroska",
    MediaFormat.MKV: "matroska",
    MediaFormat.AVI: "avi",
    MediaFormat.TS: "mpegts",
    MediaFormat.WMV: "asf",
}
VIDEO_DECODERS = frozenset(
    (
        *("gif", "apng", "png", "mjpeg", "h264", "hevc", "vp8", "vp9", "libdav1d", "av1"),
        *("mpeg4", "prores", "h263", "qtrle", "dnxhd", "rawvideo", "mpeg1video", "mpeg2video"),
        *("msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"),
    )
)
"""The allowed decoders of pictures. FFmpeg's hundreds of others are not needed and less well tested."""
CONTAINERS = frozenset(_DEMUXERS) - {MediaFormat.GIF, MediaFormat.APNG}
"""The formats that may have sound."""
_INDEXED = frozenset((MediaFormat.MP4, MediaFormat.MOV))
_UNINDEXED = frozenset((MediaFormat.WEBM, MediaFormat.MKV, MediaFormat.TS, MediaFormat.WMV))
"""Containers that don't state how many frames they have."""
_TIMED = _INDEXED | {MediaFormat.WEBM, MediaFormat.MKV}
"""Containers whose stated duration is more precise than the times of their frames."""
_MATROSKA = frozenset((MediaFormat.WEBM, MediaFormat.MKV))
_MARGIN = 256
_MICROSECOND = Fraction(1, 1_000_000)
_MAX_BROKEN, _MAX_BROKEN_SHARE = 3, 0.1
"""How many packets may be broken: some, or a small part of all."""


@contextmanager
def opened(file: BinaryIO, format: MediaFormat, limits: MediaLimits) -> Iterator[Clip]:
    """Opens the clip in `file` as `format` and as no other. Raises RefusedClip, also while frames are read."""
    file, delays, bit_depth = _stated(file, format, limits)
    if format not in _DEMUXERS or bit_depth > 8:
        with Image.open(in_memory(file), formats=[PLUGINS[format]]) as image:
            refuse_size(image.width, image.height, limits)
            work = Work()
            frames = pillow_frames(image, limits, work)
            yield Clip(format.value, frames, lambda: image.tell() / frames_in(image), work)
        return
    size = _size_of(file)
    packets = _count_packets(file, format, limits) if format in _UNINDEXED else 0
    with open_container(file, format, limits) as container:
        yield _contained(container, file, size, format, limits, delays, packets)


class _Stated(NamedTuple):
    """A clip before it is decoded: the file, the delays of the frames of an animated image (None if the container times
    them), and the bits of a colour."""

    file: BinaryIO
    delays: Sequence[Fraction] | None = None
    bit_depth: int = 8


def _stated(file: BinaryIO, format: MediaFormat, limits: MediaLimits) -> _Stated:
    """Raises RefusedClip for a GIF or APNG that exceeds the limits."""
    if format is MediaFormat.GIF:
        width, height = _stated_size(file, 6, 2, "little")
        refuse_size(width, height, limits)
        gif = plain_gif(file, limits)
        refuse_pixels(width * height * len(gif.delays), limits)
        return _Stated(gif.content, [shown_for(Fraction(delay, 100)) for delay in gif.delays])
    if format is MediaFormat.APNG:
        width, height = _stated_size(file, 16, 4, "big")
        refuse_size(width, height, limits)
        apng = read_apng(file, limits)
        refuse_pixels(width * height * apng.count, limits)
        return _Stated(file, [shown_for(delay) for delay in apng.delays], apng.bit_depth)
    return _Stated(file)


def open_container(
    file: BinaryIO, format: MediaFormat, limits: MediaLimits, decoders: Collection[str] = VIDEO_DECODERS
) -> InputContainer:
    """Opens the container. FFmpeg gets an open file and can't open others, so it needs no protocol."""
    options = {
        "protocol_whitelist": "none",
        "format_whitelist": _DEMUXERS[format],
        "codec_whitelist": ",".join(sorted(decoders)),
    }
    if format not in _MATROSKA:  # with this option, Matroska would lose its stated size
        options["max_pixels"] = _max_pixels(limits)
    return av.open(
        file,
        "r",
        format=_DEMUXERS[format],
        options=options,
        metadata_errors="replace",
        io_open=_refuse_other_files,
    )


def _size_of(file: IO[bytes]) -> int:
    """Returns the size in bytes, by seeking: the sandbox forbids the call by which glibc looks at an open file, since
    that call takes paths, too."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return size


def in_memory(file: IO[bytes]) -> BytesIO:
    """Returns the content, which Pillow reads whole anyway. `read()` without a size would look at the file."""
    return BytesIO(file.read(_size_of(file)))


def _stated_size(
    file: BinaryIO, offset: int, length: int, order: Literal["little", "big"]
) -> tuple[int, int]:
    """Returns the width and height at `offset` in the header, numbers of `length` bytes, in px."""
    file.seek(offset)
    width, height = file.read(length), file.read(length)
    file.seek(0)
    return int.from_bytes(width, order), int.from_bytes(height, order)


def _max_pixels(limits: MediaLimits) -> str:
    """Returns FFmpeg's option max_pixels. Decoders also count their margins."""
    return str(limits.area + _MARGIN * limits.side)


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise RefusedClip(FailureCode.UNREADABLE, "it refers to another file")


def _video_of(container: InputContainer, limits: MediaLimits) -> tuple[VideoStream, VideoCodecContext]:
    """Returns the video to show; the cover of a piece of music is none. Raises RefusedClip."""
    if len(container.streams) > limits.streams:
        raise RefusedClip(FailureCode.TOO_MANY_STREAMS, f"{len(container.streams)} streams")
    covers = {stream for stream in container.streams.video if is_cover(stream)}
    stream = container.streams.best("video")
    if stream in covers:
        stream = next((stream for stream in container.streams.video if stream not in covers), None)
    if not isinstance(stream, VideoStream):
        is_unknown = len(container.streams.video) > len(covers)
        raise RefusedClip(FailureCode.UNSUPPORTED_CODEC if is_unknown else FailureCode.NO_VIDEO)
    context = stream.codec_context
    if context is None or context.codec.name not in VIDEO_DECODERS:
        raise RefusedClip(FailureCode.UNSUPPORTED_CODEC, context.codec.name if context else "")
    return stream, context


def is_cover(stream: Stream) -> bool:
    """Whether the stream is a picture of the cover of a piece of music."""
    return bool(stream.disposition & stream.disposition.attached_pic)


def _count_packets(file: BinaryIO, format: MediaFormat, limits: MediaLimits) -> int:
    """Returns how many packets the video has, without decoding them. Raises RefusedClip. Leaves `file` at its
    beginning."""
    count, first, last = 0, None, Fraction(0)
    with open_container(file, format, limits) as container:
        stream, context = _video_of(container, limits)
        refuse_size(context.width, context.height, limits)
        for packet in container.demux(stream):
            count += 1 if packet.size else 0
            refuse_frames(count, limits)
            refuse_pixels(context.width * context.height * count, limits)
            if packet.pts is not None and packet.time_base is not None:
                last = packet.pts * packet.time_base
                first = last if first is None else min(first, last)
                refuse_duration(last - first, limits)
    file.seek(0)
    return count


def _contained(
    container: InputContainer,
    file: BinaryIO,
    size: int,
    format: MediaFormat,
    limits: MediaLimits,
    delays: Sequence[Fraction] | None,
    packets: int,
) -> Clip:
    stream, context = _video_of(container, limits)
    refuse_size(context.width, context.height, limits)
    refuse_duration(_declared_duration(container, stream), limits)
    stated = max(packets, stream.frames, len(stream.index_entries) if format in _INDEXED else 0)
    refuse_frames(stated, limits)
    refuse_pixels(context.width * context.height * stated, limits)
    codec = context.codec.canonical_name
    context.thread_count = 1
    context.options = {"max_pixels": _max_pixels(limits)}
    is_transparent = stream.metadata.get("alpha_mode") == "1" and codec in alpha.CODECS
    decode = alpha.TransparentVideo(context).decode if is_transparent else context.decode
    work = Work()
    frames = deinterlaced(_decoded(container, stream, decode, format, limits, work))
    maker = PictureMaker(stream.sample_aspect_ratio)
    if delays is not None:
        timed = _timed_by(delays, frames, maker, limits)
    else:
        timed = _timed(container, stream, frames, maker, format, limits)
    return Clip(codec, timed, lambda: file.tell() / size, work)


def _declared_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Returns the duration of the video that the file states, in seconds."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return container.duration * _MICROSECOND if container.duration else None


def _decoded(
    container: InputContainer,
    stream: VideoStream,
    decode: "Callable[[Packet[Any] | None], list[VideoFrame]]",
    format: MediaFormat,
    limits: MediaLimits,
    work: Work,
) -> Iterator[VideoFrame]:
    """Yields the decoded frames; leaves out a few broken packets. Raises RefusedClip, FFmpegError."""
    context, base = stream.codec_context, stream.time_base or Fraction(1, 1000)
    packets = pixels = shown = broken = 0
    problem: av.error.FFmpegError | None = None
    for packet in container.demux(stream):
        packets += 1 if packet.size else 0
        refuse_frames(packets, limits)
        try:
            frames = decode(packet if packet.size else None)
        except av.error.InvalidDataError as error:
            frames, problem, broken = [], error, broken + 1
        if packet.size:  # it costs at least one picture, also if it shows none
            pixels += context.width * context.height
            work.add(context.width * context.height)
            refuse_pixels(pixels, limits)
        while frames:
            frame = frames.pop(0)
            refuse_size(frame.width, frame.height, limits)
            shown += frame.width * frame.height
            refuse_pixels(shown, limits)
            frame.time_base = frame.time_base or base
            yield frame
            del frame  # a decoder needs the memory for the next one
    if format in _INDEXED and packets < len(stream.index_entries):
        raise RefusedClip(FailureCode.TRUNCATED, f"{packets} of {len(stream.index_entries)} frames")
    if problem is not None and broken > max(_MAX_BROKEN, packets * _MAX_BROKEN_SHARE):
        raise problem


def _timed_by(
    delays: Sequence[Fraction], frames: Iterator[VideoFrame], maker: PictureMaker, limits: MediaLimits
) -> Iterator[TimedFrame]:
    """Yields the frames of an animated image, each shown for its delay."""
    start, rest = Fraction(0), iter(delays)
    for frame in frames:  # without enumerate, which refers to a frame until it has the next one
        duration = next(rest, ASSUMED)
        refuse_duration(start, limits)
        displayed = maker.displayed(frame)
        del frame  # as in _decoded
        yield TimedFrame(*displayed, start, duration)
        start += duration


def _timed(
    container: InputContainer,
    stream: VideoStream,
    frames: Iterator[VideoFrame],
    maker: PictureMaker,
    format: MediaFormat,
    limits: MediaLimits,
) -> Iterator[TimedFrame]:
    """Yields the frames. Each is shown until the next one, the last for the duration that it or the file states."""
    base = stream.time_base or Fraction(1, 1000)
    first = last = Fraction(0)
    pending: tuple[VideoFrame, int, int, Fraction] | None = None
    for frame in frames:
        default = pending[3] + last if pending else Fraction(0)
        start = default if frame.pts is None else frame.pts * (frame.time_base or base)
        if pending is None:
            first = start
        else:
            start = max(start, pending[3])
            yield TimedFrame(*pending, start - pending[3])
        pending = (*maker.displayed(frame), start)
        refuse_duration(start - first, limits)
        last = (frame.duration or 0) * base or last or _average_duration(stream)
        del frame  # as in _decoded
    if pending is not None:
        end = pending[3] + last
        if format in _TIMED:
            end = _corrected(end, _declared_end(container, stream, first), last)
        yield TimedFrame(*pending, end - pending[3])


def _average_duration(stream: VideoStream) -> Fraction:
    return 1 / stream.average_rate if stream.average_rate else ASSUMED


def _declared_end(container: InputContainer, stream: VideoStream, first: Fraction) -> Fraction | None:
    """Returns the end of the last frame that the file states. A track's duration counts from its first frame."""
    declared = _declared_duration(container, stream)
    return declared + first if declared is not None and stream.duration is not None else declared


def _corrected(end: Fraction, declared: Fraction | None, last: Fraction) -> Fraction:
    """Returns the declared end if it differs from `end` by less than one frame, otherwise `end`.

    The declared end is more precise where timestamps are rounded (WebM: to a millisecond).
    """
    return declared if declared is not None and abs(declared - end) < last else end
