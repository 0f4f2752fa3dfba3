"""Makes the preview that repeats whole periods of a clip, from the video that was made of it."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import BinaryIO

import av
from av.video.frame import VideoFrame

from mechshare.adapters.media.pictures import image_of
from mechshare.adapters.media.preview import PREVIEW_SIDE, PREVIEW_STEP, Preview

_FEWEST = 8
"""Pictures of a preview, so that a short period still moves smoothly."""
_MAX_LENGTH = Fraction(8)
"""Seconds. A longer part is not repeated as a preview."""


def loop_preview(video: BinaryIO, start: Fraction, end: Fraction) -> Preview | None:
    """Returns pictures at equal distances from `start` to `end`, in seconds; None if the video does not show them.

    A period that is no whole number of frames is spread evenly, so that the seam looks like every other step.
    """
    length = end - start
    if not 0 <= start < end or length > _MAX_LENGTH:
        return None
    count = max(_FEWEST, round(length / PREVIEW_STEP))
    moments = [start + number * length / count for number in range(count)]
    preview, shown = Preview(), Fraction(0)
    for frame in nearest_frames(video, moments):
        preview.add_image(image_of(frame, PREVIEW_SIDE).copy(), shown, shown + length / count)
        shown += length / count
    return preview if shown else None


def nearest_frames(video: BinaryIO, moments: list[Fraction]) -> Iterator[VideoFrame]:
    """Yields for each of the moments, which rise, the frame that begins nearest to it."""
    waiting = iter(moments)
    moment = next(waiting, None)
    for (frame, begins), (_, next_begins) in pairwise(_frames(video, moments[0])):
        while moment is not None and moment - begins <= next_begins - moment:
            yield frame
            moment = next(waiting, None)
        if moment is None:
            return


def _frames(video: BinaryIO, first: Fraction) -> Iterator[tuple[VideoFrame, Fraction]]:
    """Yields the frames with their starts in seconds, from the key frame before `first` on; at last, the last frame
    again as if it began endlessly late."""
    video.seek(0)
    with av.open(video, "r", format="mov") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        base = stream.time_base or Fraction(1)
        container.seek(int(first / base), stream=stream)
        frame = None
        for frame in container.decode(stream):
            yield frame, (frame.pts or 0) * base
        if frame is not None:
            yield frame, Fraction(10**9)
