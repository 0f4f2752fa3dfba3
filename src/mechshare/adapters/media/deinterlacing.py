"""Makes full pictures from interlaced frames."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av.error
from av.filter import Graph
from av.video.frame import VideoFrame

_OPTIONS = "mode=send_frame:parity=auto:deint=interlaced"
"""One picture for each frame; frames that are not marked as interlaced stay as they are."""


def deinterlaced(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Yields the frames in order with their times, and full pictures in place of interlaced ones (bwdif)."""
    filter: _Bwdif | None = None
    for frame in frames:
        if filter is not None and not filter.fits(frame):
            yield from filter.rest()
            filter = None
        if filter is None and frame.interlaced_frame:
            filter = _Bwdif(frame)
        if filter is None:
            yield frame
        else:
            yield from filter.filtered(frame)
        del frame  # a decoder needs the memory for the next one
    if filter is not None:
        yield from filter.rest()


_TICK = Fraction(1, 1000)


class _Bwdif:
    """Filters frames like the one with which it was made."""

    def __init__(self, like: VideoFrame) -> None:
        self._shape = _shape_of(like)
        self._frames: dict[int, tuple[int | None, int, Fraction | None]] = {}
        self._count = 0
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=like.width, height=like.height, format=like.format, time_base=_TICK
        )
        self._graph.link_nodes(
            source, self._graph.add("bwdif", _OPTIONS), self._graph.add("buffersink")
        ).configure()

    def fits(self, frame: VideoFrame) -> bool:
        return self._shape == _shape_of(frame)

    def filtered(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yields the pictures that are ready, one frame late: the filter looks at the next frame, too."""
        self._frames[self._count] = frame.pts, frame.duration, frame.time_base
        frame.pts, frame.time_base = self._count, _TICK
        self._count += 1
        self._graph.vpush(frame)
        yield from self._ready()

    def rest(self) -> Iterator[VideoFrame]:
        self._graph.vpush(None)
        yield from self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            number = round((frame.pts or 0) * (frame.time_base or 0) / _TICK)
            frame.pts, frame.duration, time_base = self._frames.pop(number)
            if time_base is not None:
                frame.time_base = time_base
            yield frame


def _shape_of(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
