"""How much a clip may ask of the machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Of the clip: longest side and area of its picture (px), duration (s), frames, pixels of all frames together,
    streams. Of the process that handles it: address space and size of a written file (bytes), processor time and wall
    clock (s). Two minutes of 1920 x 1080 px at 60 frames a second are 15,000 million pixels."""

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
