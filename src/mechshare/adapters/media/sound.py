"""The sound of a clip, as AAC: read before the pictures, and written beside them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import BinaryIO

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph

from mechshare.adapters.media.frames import open_container
from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import MediaFormat

AUDIO_DECODERS = frozenset(
    (
        *("aac", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "alac", "flac"),
        *("opus", "libopus", "vorbis", "wmav1", "wmav2", "amrnb", "libopencore_amrnb"),
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_u8", "pcm_f32le"),
        *("pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
    )
)
"""The allowed decoders of sound, as VIDEO_DECODERS for pictures."""
_RATE = 48_000
"""The sample rate of the AAC, in Hz; it is stereo."""
_BIT_RATE = 128_000
"""bit/s."""
FRAME_SAMPLES = 1024
"""Samples of a packet of AAC."""
_MAX_PACKETS = 200_000
_MAX_BROKEN = 100
"""Packets that may be broken; with more, the clip has no sound."""


@dataclass(frozen=True, slots=True)
class Sound:
    """AAC of `sample_rate` Hz in an MP4 file, whose first sample belongs to `start`, in seconds in the time of the
    clip's file. `codec`, `channels` and `original_rate`, in Hz, are those of the original."""

    codec: str
    channels: int
    original_rate: int
    start: Fraction
    content: BytesIO
    sample_rate: int = _RATE


class SoundEncoder:
    """Writes AAC, beginning with one frame of silence.

    Made before the sandbox is entered: at its first frame, the encoder of PyAV counts the processors, which the sandbox
    forbids, to start as many threads. It sees one processor, so that it starts none.
    """

    def __init__(self) -> None:
        self.content = BytesIO()
        self._container = av.open(self.content, "w", format="mp4", options={"fflags": "+bitexact"})
        self._stream = self._container.add_stream("aac", rate=_RATE, layout="stereo")
        self._stream.bit_rate = _BIT_RATE
        self._stream.codec_context.thread_count = 1
        self.samples = -FRAME_SAMPLES
        silence = AudioFrame("fltp", "stereo", FRAME_SAMPLES)
        silence.sample_rate = _RATE
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        with _one_processor():
            self.write(silence)

    def write(self, frame: AudioFrame) -> None:
        frame.pts, frame.time_base = self.samples + FRAME_SAMPLES, Fraction(1, _RATE)
        self.samples += frame.samples
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self.content.seek(0)


@contextmanager
def _one_processor() -> Iterator[None]:
    """Lets this process use one processor for a moment, where the system offers that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class _TooBroken(Exception):
    """The sound can't be decoded."""


def read_sound(
    file: BinaryIO, format: MediaFormat, limits: MediaLimits, encoder: SoundEncoder
) -> Sound | None:
    """Returns the sound of the clip, at most as long as a clip may be; None if it has none that can be decoded. Leaves
    `file` at its beginning."""
    try:
        with open_container(file, format, limits, AUDIO_DECODERS) as container:
            stream = container.streams.best("audio")
            if not isinstance(stream, AudioStream) or stream.codec_context.codec.name not in AUDIO_DECODERS:
                return None
            return _encoded(container, stream, limits, encoder)
    except (_TooBroken, av.error.FFmpegError):
        return None  # pictures are what a clip is about; `media.audio` says that there is no sound
    finally:
        file.seek(0)


def _encoded(
    container: InputContainer, stream: AudioStream, limits: MediaLimits, encoder: SoundEncoder
) -> Sound | None:
    start = None
    for frame in _resampled(_decoded(container, stream)):
        if start is None:
            start = _time_of(frame, stream)
        encoder.write(frame)
        if encoder.samples > limits.duration * _RATE:
            break
    if start is None:
        return None
    encoder.close()
    context = stream.codec_context
    return Sound(
        codec=context.codec.canonical_name,
        channels=context.channels,
        original_rate=context.sample_rate,
        start=start - Fraction(FRAME_SAMPLES, _RATE),
        content=encoder.content,
    )


def _resampled(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yields the sound in the form that the encoder takes, with silence in gaps."""
    graph: Graph | None = None
    for frame in frames:
        graph = graph or _graph_for(frame)
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _graph_for(frame: AudioFrame) -> Graph:
    graph = Graph()
    graph.threads = 1  # the sandbox allows no others
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format,
        layout=frame.layout,
        time_base=frame.time_base or Fraction(1, frame.sample_rate),
    )
    steps = (
        source,
        graph.add("aresample", f"{_RATE}:async=1"),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    )
    graph.link_nodes(*steps).configure()
    graph.set_audio_frame_size(FRAME_SAMPLES)
    return graph


def _pulled(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame


def _time_of(frame: AudioFrame, stream: AudioStream) -> Fraction:
    base = frame.time_base or stream.time_base or Fraction(1, 1000)
    return (frame.pts or 0) * base


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yields the decoded frames. Raises _TooBroken."""
    broken = 0
    stream.codec_context.thread_count = 1
    for number, packet in enumerate(container.demux(stream)):
        if number > _MAX_PACKETS or broken > _MAX_BROKEN:
            raise _TooBroken
        try:
            frames = stream.codec_context.decode(packet if packet.size else None)
        except av.error.InvalidDataError:
            broken += 1
            continue
        yield from frames
