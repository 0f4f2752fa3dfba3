"""Makes the derivatives of a clip in one pass over its frames. The preview follows, when its motion is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import FileIO
from typing import IO, BinaryIO

import av
from av.video.frame import VideoFrame
from PIL import Image

from mechshare.adapters.media.frames import in_memory
from mechshare.adapters.media.grey_pictures import GreyStrip, grey_picture_of
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import frame_of, image_of
from mechshare.adapters.media.preview import Preview
from mechshare.adapters.media.refusals import RefusedClip, refuse_duration
from mechshare.adapters.media.sound import Sound
from mechshare.adapters.media.thumbnail import Thumbnail
from mechshare.adapters.media.timing import Clip, TimedFrame
from mechshare.adapters.media.video import VideoWriter
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFormat, sniff

VIDEO_ENCODER: Mapping[str, str] = {"preset": "veryfast", "crf": "24", "bf": "0", "mbtree": "0"}
"""Measured: "superfast" takes 23 % less time and 46 % more bytes, "faster" 79 % more time and no fewer bytes. No
B-frames: packets then come in the order of frames, so that each can get its duration. No macroblock tree: x264's reads
uninitialized memory, so that bytes would differ from run to run; without it, these clips take 10 % less time and 13 %
fewer bytes at the same SSIM."""
_MIN_INTERVAL = Fraction(15, 1000)
"""The video shows no more than one frame in this time, in seconds: 60 frames per second, also if the clip rounds their
times to milliseconds. A frame that is shown for longer is never left out."""


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
    """Measurements of a clip: size in px, times in seconds; the video shows `shown` of the `count` frames."""

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
        self.end = frame.start + frame.duration


@dataclass(frozen=True, slots=True)
class ClipDerivatives:
    """What is made of a clip: the `video` is written except for its end, and the `thumbnail` is chosen. `beginning` is
    a preview, and `strip` shows the motion, by which a better one can be made."""

    facts: Facts
    video: "_ThinnedVideo"
    thumbnail: Thumbnail
    beginning: Preview
    strip: GreyStrip

    def save(self, into: Outputs, report: Callable[[str, float], None]) -> None:
        """Ends the video, and writes the thumbnail."""
        report("video", 0.0)
        self.facts.shown = self.video.close()
        report("thumbnail", 0.0)
        self.thumbnail.save(into.thumbnail)


def make_derivatives(
    clip: Clip,
    into: Outputs,
    limits: MediaLimits,
    report: Callable[[str, float], None],
    sound: Sound | None = None,
) -> ClipDerivatives:
    """Reads the clip and writes its video, with `sound`, with one frame in memory at a time. Raises RefusedClip."""
    facts, thumbnail, preview, strip = Facts(), Thumbnail(), Preview(), GreyStrip()
    video: _ThinnedVideo | None = None
    for frame, start in _shown(clip, facts, limits, report):
        video = video or _ThinnedVideo(into, frame.picture, sound, facts.start)
        picture = video.fitted(frame.picture)
        grey = grey_picture_of(picture)
        thumbnail.add(picture, start, grey)
        strip.add(grey, start, frame.duration)
        preview.add(picture, start, frame.duration)
        video.add(picture, start, frame.duration)
    if video is None:
        raise RefusedClip(FailureCode.EMPTY)
    return ClipDerivatives(facts, video, thumbnail, preview, strip)


def see_motion(
    clip: Clip, limits: MediaLimits, report: Callable[[str, float], None]
) -> tuple[Facts, GreyStrip]:
    """Returns the size of the clip and the pictures by which its motion is analysed. Raises RefusedClip."""
    facts, strip = Facts(), GreyStrip()
    for frame, start in _shown(clip, facts, limits, report):
        strip.add(grey_picture_of(frame.picture), start, frame.duration)
    return facts, strip


def draw_thumbnail(
    clip: Clip,
    at: Fraction | None,
    file: IO[bytes],
    limits: MediaLimits,
    report: Callable[[str, float], None],
) -> None:
    """Writes the thumbnail at `at`, in seconds from the start; None: the one that make_derivatives writes. Reads no
    frames after it. Raises RefusedClip."""
    thumbnail, is_empty = Thumbnail(at), True
    for frame, start in _shown(clip, Facts(), limits, report):
        thumbnail.add(frame.picture, start, grey_picture_of(frame.picture))
        is_empty = False
        if at is not None and start > at:
            break
    if is_empty:
        raise RefusedClip(FailureCode.EMPTY)
    report("thumbnail", 0.0)
    thumbnail.save(file)
    decode_whole(file)


def _shown(
    clip: Clip, facts: Facts, limits: MediaLimits, report: Callable[[str, float], None]
) -> Iterator[tuple[TimedFrame, Fraction]]:
    """Yields each frame that is shown, and its start from that of the clip, in seconds; `facts` counts every frame.

    Raises RefusedClip.
    """
    for frame in clip.frames:
        facts.add(frame)
        refuse_duration(facts.duration, limits)
        if frame.duration:
            yield frame, frame.start - facts.start
        report("decode", clip.done())


class _ThinnedVideo:
    """The video of a clip, of the size of its first picture, with no more frames than a screen shows."""

    def __init__(self, into: Outputs, first: VideoFrame, sound: Sound | None, start: Fraction) -> None:
        """`start` is that of the first picture, in seconds in the time of the file."""
        self._size = first.width, first.height
        sound_start = sound.start - start if sound else Fraction(0)
        self._writer = VideoWriter(
            into.video, lambda: into.reread, self._size, VIDEO_ENCODER, sound, sound_start
        )
        self._last: Fraction | None = None

    def fitted(self, picture: VideoFrame) -> VideoFrame:
        """Returns `picture` within the size of the first one, with black bars if its shape differs."""
        if (picture.width, picture.height) == self._size:
            return picture
        width, height = self._size
        scale = min(width / picture.width, height / picture.height)
        inner = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        image = image_of(picture).resize(inner, Image.Resampling.BILINEAR)
        canvas = Image.new("RGB", self._size, "black")
        canvas.paste(image, ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return frame_of(canvas)

    def add(self, picture: VideoFrame, start: Fraction, duration: Fraction) -> None:
        if self._last is None or duration >= _MIN_INTERVAL or start - self._last >= _MIN_INTERVAL:
            self._writer.write(picture, start, start + duration)
            self._last = start
        else:
            self._writer.extend(start + duration)

    def close(self) -> int:
        """Ends the video. Returns the number of its frames."""
        self._writer.close()
        return self._writer.count


def verify(made: Outputs, reread: BinaryIO, facts: Facts, sound: Sound | None = None) -> None:
    """Decodes the video and the thumbnail as a viewer would. Raises ValueError if the video is not as written: never
    publish it."""
    reread.seek(0)
    with av.open(reread, "r", format="mov") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        first = next(container.decode(stream))
        lasts = (stream.duration or 0) * (stream.time_base or 0)
        written = stream.codec_context.name, first.format.name, stream.frames
        if sound and container.streams.audio[0].codec_context.name != "aac":
            raise ValueError("the video made has no sound")
    if written != ("h264", "yuv420p", facts.shown) or abs(lasts - facts.duration) > Fraction(1, 1000):
        raise ValueError(f"the video made is {written} of {float(lasts)} s")
    decode_whole(made.thumbnail)


def decode_whole(file: IO[bytes]) -> None:
    """Decodes a WebP or an MP4 whole. Raises ValueError for anything else."""
    content = in_memory(file)
    format = sniff(content.read(SNIFF_BYTES))
    content.seek(0)
    if format is MediaFormat.MP4:
        with av.open(content, "r", format="mov") as container:
            container.streams.video[0].codec_context.thread_count = 1
            if not sum(1 for _ in container.decode(video=0)):
                raise ValueError("the preview made has no frames")
        return
    with Image.open(content, formats=["WEBP"]) as image:
        image.load()
