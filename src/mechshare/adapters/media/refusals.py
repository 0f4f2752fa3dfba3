"""Refusals of clips that exceed the limits or can't be decoded."""

from fractions import Fraction

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode


class RefusedClip(Exception):
    """The clip can't be processed; a retry would not help."""

    def __init__(self, code: FailureCode, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def refuse_size(width: int, height: int, limits: MediaLimits) -> None:
    """Raises RefusedClip if a picture of `width` x `height` px exceeds `limits`."""
    if max(width, height) > limits.side or width * height > limits.area:
        raise RefusedClip(FailureCode.PICTURE_TOO_LARGE, f"{width} x {height} px")


def refuse_duration(seconds: Fraction | None, limits: MediaLimits) -> None:
    """Raises RefusedClip if a clip of `seconds` is too long; None means that the file does not state it."""
    if seconds is not None and seconds > limits.duration:
        raise RefusedClip(FailureCode.TOO_LONG, f"{float(seconds):.1f} s")


def refuse_frames(count: int, limits: MediaLimits) -> None:
    """Raises RefusedClip if a clip has too many frames."""
    if count > limits.frames:
        raise RefusedClip(FailureCode.TOO_MANY_FRAMES, f"{count:,} frames, at most {limits.frames:,}")


def refuse_pixels(pixels: int, limits: MediaLimits) -> None:
    """Raises RefusedClip if all frames together have too many pixels."""
    if pixels > limits.pixels:
        detail = f"{pixels:,} pixels in all frames, at most {limits.pixels:,}"
        raise RefusedClip(FailureCode.TOO_MANY_PIXELS, detail)
