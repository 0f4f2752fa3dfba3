"""Limits of the resources that a clip may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits of the clip: longest side (px) and area (px²) of the picture, duration (s), frames, pixels of all frames
    together, streams. Limits of the child process: address space `memory` and size of a written file (bytes), CPU time
    and wall-clock time (s). Two minutes of 1920 x 1080 px at 60 frames per second are 15,000 million pixels."""

    side: int = 8192
    area: int = 40_000_000
    duration: float = 120.0
    frames: int = 10_000
    pixels: int = 15_000_000_000
    streams: int = 16
    memory: int = 1024 * 1024 * 1024
    file_size: int = 256 * 1024 * 1024
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
