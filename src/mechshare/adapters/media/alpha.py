"""Decodes the transparency of VP8 and VP9, which Matroska and WebM store as a second picture beside each block."""

from fractions import Fraction
from typing import Any

from av.codec import CodecContext
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

_ALPHA_ID = 1
"""BlockAddID of transparency (WebM container guidelines, BlockAdditional)."""
_ID_BYTES = 8
_TICK = Fraction(1, 1000)
CODECS = frozenset(("vp8", "vp9"))


class TransparentVideo:
    """Decodes with `opaque`, and adds the transparency to the pictures."""

    def __init__(self, opaque: VideoCodecContext) -> None:
        self._opaque = opaque
        context = CodecContext.create(opaque.codec.name, "r")
        if not isinstance(context, VideoCodecContext):
            raise TypeError(f"{opaque.codec.name} decodes no pictures")
        context.thread_count = 1
        context.options = dict(opaque.options)
        self._decoder = context
        self._alpha: VideoFrame | None = None
        self._merger: _AlphaMerger | None = None

    def decode(self, packet: "Packet[Any] | None") -> list[VideoFrame]:
        """Returns the pictures of `packet`. Raises FFmpegError."""
        if packet is not None:
            self._decode_alpha(packet)
        return [self._merged(frame, self._alpha) for frame in self._opaque.decode(packet)]

    def _decode_alpha(self, packet: "Packet[Any]") -> None:
        if not packet.has_sidedata("matroska_block_additional"):
            return
        data: Any = packet.get_sidedata("matroska_block_additional")
        content = bytes(data)
        if int.from_bytes(content[:_ID_BYTES], "big") == _ALPHA_ID:
            for frame in self._decoder.decode(Packet(content[_ID_BYTES:])):
                self._alpha = frame

    def _merged(self, frame: VideoFrame, alpha: VideoFrame | None) -> VideoFrame:
        if alpha is None:
            return frame
        if self._merger is None or not self._merger.fits(frame, alpha):
            self._merger = _AlphaMerger(frame, alpha)
        return self._merger.merged(frame, alpha)


class _AlphaMerger:
    """Merges pictures like those with which it was made."""

    def __init__(self, frame: VideoFrame, alpha: VideoFrame) -> None:
        self._made_for = _shape_of(frame), _shape_of(alpha)
        self._graph = graph = Graph()
        graph.threads = 1
        self._frames, self._alphas = _source(graph, frame), _source(graph, alpha)
        # Unlike a conversion to grey, this leaves the values as they are.
        plane = graph.add("extractplanes", "y")
        fitted = graph.add("scale", f"{frame.width}:{frame.height}")
        merge, self._sink = graph.add("alphamerge"), graph.add("buffersink")
        self._frames.link_to(merge, 0, 0)
        graph.link_nodes(self._alphas, plane, fitted)
        fitted.link_to(merge, 0, 1)
        merge.link_to(self._sink)
        graph.configure()
        self._count = 0

    def fits(self, frame: VideoFrame, alpha: VideoFrame) -> bool:
        return self._made_for == (_shape_of(frame), _shape_of(alpha))

    def merged(self, frame: VideoFrame, alpha: VideoFrame) -> VideoFrame:
        pts, duration, time_base = frame.pts, frame.duration, frame.time_base
        for picture in (frame, alpha):
            picture.pts, picture.time_base = self._count, _TICK
        self._count += 1
        self._frames.push(frame)
        self._alphas.push(alpha)
        merged = self._sink.pull()
        if not isinstance(merged, VideoFrame):
            raise TypeError("the filter gave no picture")
        merged.pts, merged.duration = pts, duration
        if time_base is not None:
            merged.time_base = time_base
        return merged


def _shape_of(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _source(graph: Graph, like: VideoFrame):  # type: ignore[no-untyped-def]
    return graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=_TICK)
