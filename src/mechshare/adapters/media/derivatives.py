"""Makes the derivatives of a clip (video, thumbnail, preview) in one pass over its frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import FileIO
from typing import IO, Any, BinaryIO

import av
import av.error
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image, ImageChops, ImageStat

from mechshare.adapters.media.frames import Clip, RefusedClip, TimedFrame, in_memory, shrunk
from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode

THUMBNAIL_SIDE = 640
PREVIEW_SIDE = 320
PREVIEW_SECONDS = Fraction(4)
PREVIEW_STEP = Fraction(1, 12)
"""The shortest interval between two frames of a preview, in seconds."""
VIDEO_ENCODER: Mapping[str, str] = {"preset": "veryfast", "crf": "24", "bf": "0", "mbtree": "0"}
"""Measured: "superfast" takes 23 % less time and 46 % more bytes, "faster" 79 % more time and no fewer bytes. No
B-frames: packets then come in the order of frames, so that each can get its duration. No macroblock tree: x264's reads
uninitialized memory, so that bytes would differ from run to run; without it, these clips take 10 % less time and 13 %
fewer bytes at the same SSIM."""
THUMBNAIL_ENCODER: Mapping[str, Any] = {"quality": 82, "method": 4}
PREVIEW_ENCODER: Mapping[str, Any] = {"loop": 0, "quality": 40, "method": 2, "kmin": 0, "kmax": 0}
"""Measured: method 0 takes 29 % less time and 43 % more bytes, method 3 twice the time and 6 % fewer bytes. Key frames
for seeking, which previews don't need, take 40 % more time and 2 % more bytes."""
_CLOCK = Fraction(1, 90_000)
_COMPARISON_SIZE = (64, 64)
"""The size at which frames are compared, in px: large enough to show motion, too small to show noise."""
_MIN_DEVIATION = 8.0
"""A picture whose grey values (0..255) have a smaller standard deviation counts as blank."""
_BT709 = 1
"""AVCOL_SPC_BT709: the colour space that browsers assume."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Open, empty files: the process that writes them can't open files.

    `reread` is an independent reader of the file `video`. FFmpeg uses it to move the index to the front at the end.
    """

    video: FileIO
    reread: FileIO
    thumbnail: IO[bytes]
    preview: IO[bytes]


@dataclass(slots=True)
class Facts:
    """Measurements of a clip: size in px, times in seconds; `shown` of the `count` frames have a duration above 0."""

    width: int = 0
    height: int = 0
    count: int = 0
    shown: int = 0
    start: Fraction = Fraction(0)
    end: Fraction = Fraction(0)

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    def add(self, frame: TimedFrame) -> None:
        if self.count == 0:
            self.width, self.height, self.start = frame.width, frame.height, frame.start
        self.count += 1
        self.shown += 1 if frame.duration else 0
        self.end = frame.start + frame.duration


def make_derivatives(
    clip: Clip, into: Outputs, limits: MediaLimits, report: Callable[[str, float], None]
) -> Facts:
    """Writes the files of `into`, with one frame in memory at a time. Raises RefusedClip."""
    facts = Facts()
    thumbnail = _Thumbnail()
    preview = _Preview()
    video: _Video | None = None
    for frame in clip.frames:
        facts.add(frame)
        if facts.duration > limits.duration:
            raise RefusedClip(FailureCode.TOO_LONG, f"{float(facts.duration):.1f} s")
        if frame.duration:
            video = video or _Video(into, frame.image)
            thumbnail.add(frame)
            preview.add(frame, facts.start)
            video.write(frame, facts.start)
        report("decode", clip.done())
    if video is None:
        raise RefusedClip(FailureCode.EMPTY)
    report("video", 0.0)
    video.close()
    report("thumbnail", 0.0)
    thumbnail.save(into.thumbnail)
    report("preview", 0.0)
    preview.save(into.preview)
    return facts


class _Thumbnail:
    """Chooses the frame that differs most from the one before it, the first if several; avoids blank frames."""

    def __init__(self) -> None:
        self._previous: Image.Image | None = None
        self._max_motion = -1.0
        self._chosen: Image.Image | None = None

    def add(self, frame: TimedFrame) -> None:
        pixels = frame.image.resize(_COMPARISON_SIZE, Image.Resampling.BOX, reducing_gap=1.0).convert("L")
        previous = self._previous or pixels
        motion = ImageStat.Stat(ImageChops.difference(pixels, previous)).mean[0]
        self._previous = pixels
        if motion <= self._max_motion:
            return
        score = motion if ImageStat.Stat(pixels).stddev[0] >= _MIN_DEVIATION else 0.0
        if score > self._max_motion:
            self._max_motion = score
            self._chosen = frame.image

    def save(self, file: IO[bytes]) -> None:
        if self._chosen is None:
            raise ValueError("no frame was seen")
        image = self._chosen.copy()
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        image.save(file, "WEBP", **THUMBNAIL_ENCODER)


class _Preview:
    """The first PREVIEW_SECONDS of the clip, or all of a shorter one, at most PREVIEW_SIDE px a side."""

    def __init__(self) -> None:
        self._images: list[Image.Image] = []
        self._starts: list[Fraction] = []
        self._end = Fraction(0)

    def add(self, frame: TimedFrame, origin: Fraction) -> None:
        start = frame.start - origin
        if start >= PREVIEW_SECONDS:
            return
        self._end = min(PREVIEW_SECONDS, start + frame.duration)
        if self._starts and start - self._starts[-1] < PREVIEW_STEP:
            return
        is_small = max(frame.image.size) <= PREVIEW_SIDE
        self._images.append(frame.image if is_small else shrunk(_frame_of(frame.image), PREVIEW_SIDE))
        self._starts.append(start)

    def save(self, file: IO[bytes]) -> None:
        """Writes an animated WebP. An MP4 would be half as large, but plays only where <video> may autoplay."""
        ends = [*self._starts[1:], self._end]
        durations = [
            max(1, round((end - start) * 1000)) for start, end in zip(self._starts, ends, strict=True)
        ]
        first, *rest = self._images
        first.save(file, "WEBP", save_all=True, append_images=rest, duration=durations, **PREVIEW_ENCODER)


class _Video:
    """H.264 in MP4 that every browser plays: yuv420p, even sides, index at the front, the clip's own timing."""

    def __init__(self, into: Outputs, like: Image.Image) -> None:
        def open_again(url: str, flags: int, options: Mapping[str, str]) -> FileIO:
            return into.reread

        self._container = av.open(
            into.video, "w", format="mp4", options={"movflags": "+faststart"}, io_open=open_again
        )
        self._stream = self._container.add_stream("libx264", rate=30)
        self._stream.width, self._stream.height = _even(like.width), _even(like.height)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._stream.time_base = _CLOCK
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.thread_count = 1
        self._stream.options = dict(VIDEO_ENCODER)
        self._next = 0
        self._lengths: dict[int, int] = {}

    def write(self, frame: TimedFrame, origin: Fraction) -> None:
        picture = _frame_of(frame.image).reformat(
            self._stream.width,
            self._stream.height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        start = max(self._next, round((frame.start - origin) / _CLOCK))
        end = max(start + 1, round((frame.start + frame.duration - origin) / _CLOCK))
        self._next = end
        picture.pts, picture.time_base = start, _CLOCK
        self._lengths[start] = end - start
        self._mux(picture)

    def close(self) -> None:
        self._mux(None)
        self._container.close()

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            packets = self._stream.encode(frame)
        except av.error.ExternalError as problem:  # x264 gives no reason; with valid frames it lacks memory
            raise MemoryError("for the encoder") from problem
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._lengths.pop(packet.pts)
            self._container.mux(packet)


def verify(made: Outputs, reread: BinaryIO, facts: Facts) -> None:
    """Decodes the derivatives as a viewer would. Raises ValueError if the video is not as written: never publish it."""
    with av.open(reread, "r", format="mov") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        first = next(container.decode(stream))
        lasts = (stream.duration or 0) * (stream.time_base or 0)
        written = stream.codec_context.name, first.format.name, stream.frames
    if written != ("h264", "yuv420p", facts.shown) or abs(lasts - facts.duration) > Fraction(1, 1000):
        raise ValueError(f"the video made is {written} of {float(lasts)} s")
    for file in (made.thumbnail, made.preview):
        with Image.open(in_memory(file), formats=["WEBP"]) as image:
            image.load()


def _frame_of(image: Image.Image) -> VideoFrame:
    frame: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame


def _even(side: int) -> int:
    return max(2, round(side / 2) * 2)
