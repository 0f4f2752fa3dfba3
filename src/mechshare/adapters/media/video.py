"""Writes H.264 in MP4."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from mechshare.adapters.media.sound import FRAME_SAMPLES, Sound

CLOCK = Fraction(1, 90_000)
"""The unit of the times in a video, in seconds."""
_KEY_FRAME_INTERVAL = round(1 / CLOCK)
"""The longest time between key frames, one second. A player that steps back decodes from the last key frame."""
_BT709 = 1
"""AVCOL_SPC_BT709: the colour space that browsers assume."""


class VideoWriter:
    """A video that every browser plays: yuv420p, even sides, index at the front, the clip's own timing.

    `reread` returns an independent reader of `file`. FFmpeg uses it to move the index to the front at the end. `sound`
    begins at `sound_start`, in seconds from the start of the video, and ends with the video.
    """

    def __init__(
        self,
        file: BinaryIO,
        reread: Callable[[], BinaryIO],
        size: tuple[int, int],
        options: Mapping[str, str],
        sound: Sound | None = None,
        sound_start: Fraction = Fraction(0),
    ) -> None:
        def open_again(url: str, flags: int, options: Mapping[str, str]) -> BinaryIO:
            return reread()

        self._container = av.open(
            file, "w", format="mp4", options={"movflags": "+faststart"}, io_open=open_again
        )
        self._stream = self._container.add_stream("libx264", rate=30)
        self._stream.width, self._stream.height = (_even(side) for side in size)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._stream.time_base = CLOCK
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.thread_count = 1
        self._stream.options = {**options, "forced-idr": "1"}
        self._sound = _SoundTrack(self._container, sound, sound_start) if sound else None
        self._pending: tuple[VideoFrame, int, int] | None = None
        self._next_key_frame = 0
        self._lengths: dict[int, int] = {}
        self.count = 0

    def write(self, picture: VideoFrame, start: Fraction, end: Fraction) -> None:
        """Shows `picture` from `start`, in seconds, to the start of the next one; the last one to its `end`."""
        begin = round(start / CLOCK)
        if self._pending is not None:
            begin = max(begin, self._pending[1] + 1)
            self._encode(begin)
        self._pending = self._prepared(picture), begin, max(begin + 1, round(end / CLOCK))

    def extend(self, end: Fraction) -> None:
        """Shows the last picture until `end`."""
        if self._pending is not None:
            frame, begin, old = self._pending
            self._pending = frame, begin, max(old, round(end / CLOCK))

    def close(self) -> None:
        end = self._pending[2] if self._pending is not None else 0
        if self._pending is not None:
            self._encode(end)
        self._mux(None)
        if self._sound is not None:
            self._sound.write(end * CLOCK)
        self._container.close()

    def _prepared(self, picture: VideoFrame) -> VideoFrame:
        return picture.reformat(
            self._stream.width,
            self._stream.height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )

    def _encode(self, end: int) -> None:
        """Encodes the pending picture, which is shown until `end`."""
        if self._pending is None:
            return
        frame, begin, _ = self._pending
        self._pending = None
        self.count += 1
        self._lengths[begin] = end - begin
        frame.pts, frame.dts, frame.time_base = begin, None, CLOCK
        frame.pict_type = PictureType.NONE
        if begin >= self._next_key_frame:
            frame.pict_type = PictureType.I
            self._next_key_frame = begin + _KEY_FRAME_INTERVAL
        self._mux(frame)

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            packets = self._stream.encode(frame)
        except av.error.ExternalError as problem:  # x264 gives no reason; with valid frames it lacks memory
            raise MemoryError("for the encoder") from problem
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._lengths.pop(packet.pts)
                if self._sound is not None:
                    self._sound.write(packet.pts * CLOCK)
            self._container.mux(packet)


class _SoundTrack:
    """The sound of a video, written between its pictures, so that players find both at the same place."""

    def __init__(self, container: OutputContainer, sound: Sound, start: Fraction) -> None:
        source = av.open(sound.content, "r", format="mov")
        self._container = container
        self._track = container.add_stream_from_template(source.streams.audio[0])
        self._rate = sound.sample_rate
        self._shift = round(start * sound.sample_rate)
        self._packets = [packet for packet in source.demux(audio=0) if packet.pts is not None]
        self._packets.reverse()

    def write(self, until: Fraction) -> None:
        """Writes what ends up to `until`, in seconds from the start of the video; leaves out what comes before it."""
        while self._packets and self._end_of(self._packets[-1]) <= until * self._rate:
            packet = self._packets.pop()
            if self._end_of(packet) + FRAME_SAMPLES <= 0:  # a decoder needs the one before the first
                continue
            packet.pts, packet.dts = self._begin_of(packet), self._begin_of(packet)
            packet.stream = self._track
            self._container.mux(packet)

    def _begin_of(self, packet: "Packet[Any]") -> int:
        return (packet.pts or 0) + self._shift

    def _end_of(self, packet: "Packet[Any]") -> int:
        return self._begin_of(packet) + FRAME_SAMPLES


def _even(side: int) -> int:
    return max(2, round(side / 2) * 2)
