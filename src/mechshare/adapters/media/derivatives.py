"""What is made of a clip, in one pass over its frames."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mechshare.adapters.media.frames import Clip, Picture, RefusedClip, TimedFrame
from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode

THUMBNAIL_SIDE = 640
PREVIEW_SIDE = 320
PREVIEW_SECONDS = Fraction(4)
PREVIEW_STEP = Fraction(1, 12)
"""Seconds between two frames of a preview, at least."""
VIDEO_SIDE = 1280
_CLOCK = Fraction(1, 90_000)
_EYE = 64
"""Frames are compared at this many px a side: enough to see what moves, too few to see noise."""


@dataclass(slots=True)
class Facts:
    width: int = 0
    height: int = 0
    count: int = 0
    start: Fraction = Fraction(0)
    end: Fraction = Fraction(0)

    @property
    def duration(self) -> Fraction:
        return self.end - self.start


def make_derivatives(
    clip: Clip, into: Path, limits: MediaLimits, report: Callable[[str, float], None]
) -> Facts:
    """Writes `thumbnail.webp`, `video.mp4` and `preview.webp` to `into`. Raises RefusedClip."""
    facts = Facts()
    thumbnail = _Thumbnail()
    preview = _Preview()
    video: _Video | None = None
    for frame in clip.frames:
        if facts.count == 0:
            facts.height, facts.width = frame.picture.shape[:2]
            facts.start = frame.start
            video = _Video(into / "video.mp4", facts.width, facts.height)
        facts.count += 1
        facts.end = frame.start + frame.duration
        _refuse_length(facts, limits)
        thumbnail.see(frame)
        preview.see(frame, facts.start)
        if video is not None:
            video.write(frame, facts.start)
        report("decode", min(1.0, facts.count / clip.expected) if clip.expected else 0.5)
    if video is None:
        raise RefusedClip(FailureCode.EMPTY)
    if facts.count < clip.expected:
        raise RefusedClip(FailureCode.TRUNCATED, f"{facts.count} of {clip.expected} frames")
    video.close()
    report("preview", 0.0)
    preview.save(into / "preview.webp")
    thumbnail.save(into / "thumbnail.webp")
    return facts


def _refuse_length(facts: Facts, limits: MediaLimits) -> None:
    if facts.count > limits.frames or facts.duration > limits.duration:
        raise RefusedClip(FailureCode.TOO_LONG, f"{facts.count} frames, {float(facts.duration):.1f} s")


class _Thumbnail:
    """The frame that differs most from the one before it: where something moves. The first of equals."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._most = -1.0
        self._chosen: Picture | None = None

    def see(self, frame: TimedFrame) -> None:
        seen = _glance(frame.picture)
        motion = 0.0 if self._before is None else float(np.abs(seen - self._before).mean())
        self._before = seen
        if motion > self._most:
            self._most = motion
            self._chosen = frame.picture

    def save(self, path: Path) -> None:
        assert self._chosen is not None, "a thumbnail is saved after a frame was seen"  # noqa: S101
        image = Image.fromarray(self._chosen)
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        image.save(path, "WEBP", quality=82, method=4)


class _Preview:
    """The first seconds of the motion, small; all of it where it is no longer than that."""

    def __init__(self) -> None:
        self._images: list[Image.Image] = []
        self._starts: list[Fraction] = []
        self._end = Fraction(0)

    def see(self, frame: TimedFrame, origin: Fraction) -> None:
        start = frame.start - origin
        if start >= PREVIEW_SECONDS:
            return
        self._end = min(PREVIEW_SECONDS, start + frame.duration)
        if self._starts and start - self._starts[-1] < PREVIEW_STEP:
            return
        image = Image.fromarray(frame.picture)
        image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR)
        self._images.append(image)
        self._starts.append(start)

    def save(self, path: Path) -> None:
        ends = [*self._starts[1:], self._end]
        durations = [
            max(1, round((end - start) * 1000)) for start, end in zip(self._starts, ends, strict=True)
        ]
        first, *rest = self._images
        first.save(
            path, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, quality=60, method=2
        )


class _Video:
    """H.264 in MP4 that every browser plays: yuv420p, even sides, its index in front, the clip's own timing."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        scale = min(1.0, VIDEO_SIDE / max(width, height))
        self._width = _even(width * scale)
        self._height = _even(height * scale)
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=30)
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = _CLOCK
        self._stream.codec_context.time_base = _CLOCK
        self._stream.codec_context.thread_count = 1
        # No B-frames: packets come in the order of their frames, so that each can be told how long it is shown.
        self._stream.options = {"preset": "veryfast", "crf": "23", "bf": "0"}
        self._lengths: dict[int, int] = {}

    def write(self, frame: TimedFrame, origin: Fraction) -> None:
        picture = VideoFrame.from_ndarray(frame.picture, format="rgb24")
        scaled = picture.reformat(width=self._width, height=self._height, format="yuv420p")
        scaled.pts = round((frame.start - origin) / _CLOCK)
        scaled.time_base = _CLOCK
        end = round((frame.start + frame.duration - origin) / _CLOCK)
        self._lengths[scaled.pts] = max(1, end - scaled.pts)
        self._mux(scaled)

    def close(self) -> None:
        self._mux(None)
        self._container.close()

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            if packet.pts is not None:
                packet.duration = self._lengths.pop(packet.pts)
            self._container.mux(packet)


def _glance(picture: Picture) -> NDArray[np.float32]:
    """The picture in grey, at about _EYE px a side, each the mean of what it stands for."""
    step = max(1, math.ceil(max(picture.shape[:2]) / (_EYE * 4)))
    grey = picture[::step, ::step].astype(np.float32).mean(axis=2)
    rows, columns = (max(1, side // _EYE) for side in grey.shape)
    trimmed = grey[: grey.shape[0] // rows * rows, : grey.shape[1] // columns * columns]
    blocks = trimmed.reshape(trimmed.shape[0] // rows, rows, trimmed.shape[1] // columns, columns)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
