"""Decodes the transparency of VP8 and VP9, which Matroska and WebM store as a second picture beside each block."""

from typing import Any

from av.codec import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from mechshare.adapters.media.pictures import frame_of, image_of, lightness_of, on_white

_ALPHA_ID = 1
"""BlockAddID of transparency (WebM container guidelines, BlockAdditional)."""
_ID_BYTES = 8
CODECS = frozenset(("vp8", "vp9"))


class TransparentVideo:
    """Decodes with `opaque`, and shows the result on white where it is transparent."""

    def __init__(self, opaque: VideoCodecContext) -> None:
        self._opaque = opaque
        context = CodecContext.create(opaque.codec.name, "r")
        if not isinstance(context, VideoCodecContext):
            raise TypeError(f"{opaque.codec.name} decodes no pictures")
        context.thread_count = 1
        context.options = dict(opaque.options)
        self._alpha = context
        self._mask: Image.Image | None = None

    def decode(self, packet: "Packet[Any] | None") -> list[VideoFrame]:
        """Returns the pictures of `packet`. Raises FFmpegError."""
        if packet is not None:
            self._read_mask(packet)
        return [self._on_white(frame) for frame in self._opaque.decode(packet)]

    def _read_mask(self, packet: "Packet[Any]") -> None:
        if not packet.has_sidedata("matroska_block_additional"):
            return
        data: Any = packet.get_sidedata("matroska_block_additional")
        content = bytes(data)
        if int.from_bytes(content[:_ID_BYTES], "big") == _ALPHA_ID:
            for frame in self._alpha.decode(Packet(content[_ID_BYTES:])):
                self._mask = lightness_of(frame)

    def _on_white(self, frame: VideoFrame) -> VideoFrame:
        if self._mask is None:
            return frame
        image = image_of(frame)
        mask = self._mask if self._mask.size == image.size else self._mask.resize(image.size)
        image.putalpha(mask)
        picture = frame_of(on_white(image))
        picture.pts, picture.duration = frame.pts, frame.duration
        if frame.time_base is not None:
            picture.time_base = frame.time_base
        return picture
