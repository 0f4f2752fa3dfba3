"""When each frame of a clip is shown, and for how long."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from av.video.frame import VideoFrame

from mechshare.domain.trims import Trim

ASSUMED = Fraction(1, 10)
"""The duration of a frame whose file does not state it, in seconds, as in browsers."""
_MIN_DELAY = Fraction(1, 100)
"""A delay up to this one, in seconds, in a GIF, APNG or WebP counts as not stated, as in browsers."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture shown from `start` for `duration`, in seconds; the duration is 0 if the next one replaces it at once.

    `picture` is as displayed (upright, on white, in BT.709), at most WORKING_SIDE px a side; `width` x `height` px is
    the original size, as displayed, too.
    """

    picture: VideoFrame
    width: int
    height: int
    start: Fraction
    duration: Fraction


@dataclass(slots=True)
class Work:
    """The pixels and frames decoded so far."""

    pixels: int = 0
    frames: int = 0

    def add(self, pixels: int) -> None:
        self.pixels += pixels
        self.frames += 1


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a file in display order; `done` returns how much of the file was read, 0..1, and `work` grows while
    frames are read."""

    codec: str
    frames: Iterator[TimedFrame]
    done: Callable[[], float]
    work: Work = field(default_factory=Work)


def part_of(clip: Clip, trim: Trim | None) -> Clip:
    """Returns the clip with the frames that are shown in this part of it; reads none after it."""
    return clip if trim is None else replace(clip, frames=_part_of(clip.frames, trim))


def _part_of(frames: Iterator[TimedFrame], trim: Trim) -> Iterator[TimedFrame]:
    origin: Fraction | None = None
    for frame in frames:
        origin = frame.start if origin is None else origin
        start = origin + Fraction(trim.start_ms, 1000)
        end = frame.start + frame.duration
        if trim.end_ms is not None:
            limit = origin + Fraction(trim.end_ms, 1000)
            if frame.start >= limit:
                return
            end = min(end, limit)
        if end > start:
            begin = max(frame.start, start)
            yield replace(frame, start=begin, duration=end - begin)


def shown_for(delay: Fraction) -> Fraction:
    """Returns for how long browsers show a frame of an animated image with this delay, in seconds."""
    return delay if delay > _MIN_DELAY else ASSUMED
