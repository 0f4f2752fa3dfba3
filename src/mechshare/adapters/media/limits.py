"""Limits of the resources that a clip may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits of the clip: longest side (px) and area (px²) of the picture, duration (s), frames, pixels of all frames
    together, streams. Two minutes of 240 frames per second are 28,800 frames; a minute of 3840 x 2160 px at 60 frames
    per second is 29,860 million pixels.

    Limits of the child process: address space `memory` and size of a written file (bytes); CPU time and wall-clock time
    (s). Each is `base_cpu_seconds` or `base_wall_seconds` plus a time (ns) for each pixel and frame that was decoded,
    at most `cpu_seconds` or `wall_seconds`. Wall-clock time does not count while the child waits for a processor.
    """

    side: int = 8192
    area: int = 40_000_000
    duration: float = 120.0
    frames: int = 28_800
    pixels: int = 30_000_000_000
    streams: int = 16
    memory: int = 1024 * 1024 * 1024
    file_size: int = 256 * 1024 * 1024
    base_cpu_seconds: float = 60.0
    base_wall_seconds: float = 120.0
    cpu_seconds: int = 3_660
    wall_seconds: float = 3_720.0
    pixel_nanoseconds: int = 100
    frame_nanoseconds: int = 20_000_000

    def cpu_bound(self, pixels: int, frames: int) -> float:
        """Returns the CPU time for a clip of which so many pixels and frames were decoded, in seconds."""
        return min(self.cpu_seconds, self.base_cpu_seconds + self._work(pixels, frames))

    def wall_bound(self, pixels: int, frames: int) -> float:
        """Returns the wall-clock time for a clip of which so many pixels and frames were decoded, in seconds."""
        return min(self.wall_seconds, self.base_wall_seconds + self._work(pixels, frames))

    def _work(self, pixels: int, frames: int) -> float:
        return (pixels * self.pixel_nanoseconds + frames * self.frame_nanoseconds) / 1e9
