"""How a clip moves: what its pictures repeat, how long a period lasts, and how a player repeats it without a jump."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import MechanismId

ANALYSIS = 4
"""The version of the analysis. Another version finds other figures or other vectors, which don't compare with these."""
GREY_SIDE = 64
"""The width and height of the pictures that are analysed, in px."""
MAX_PICTURES = 1024
"""The most pictures of one clip that are analysed."""
VECTOR_NUMBERS = 48
"""The numbers of a vector that compare motions, one signed byte each."""
OUTLINE_SIDE = 16
"""The side of the picture after them, in px, which shows whether two clips are copies of one clip."""
VECTOR_BYTES = VECTOR_NUMBERS + OUTLINE_SIDE**2
CONFIDENT = 0.5
"""The least confidence with which a period is stated."""

MIN_PERIOD, MAX_PERIOD = 0.001, 24 * 3600.0
"""Seconds: the bounds of the periods that people state."""
_PERIOD_FIELD = "stated_period_s"


class MotionKind(StrEnum):
    """Nothing moves; the whole clip repeats without a jump; it repeats inside; nothing repeats."""

    STILL = "still"
    LOOP = "loop"
    PERIODIC = "periodic"
    APERIODIC = "aperiodic"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCut:
    """The part of a clip that a player repeats, whole periods long: from `start` to `end`, in seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """`period` is in seconds and `cycles` the periods in the clip; both are None where nothing was found with enough
    confidence. `confidence` is 0..1.

    `loops` says whether the whole clip repeats without a jump. `seam` is the step from the end of `cut` to its start
    as a multiple of a usual step: up to about 1.1 nobody sees it. `there_and_back` says whether the motion returns the
    way it came; None if the clip does not show it. `analysis` is the version that found this.
    """

    kind: MotionKind
    period: float | None = None
    cycles: float | None = None
    loops: bool = False
    cut: LoopCut | None = None
    seam: float | None = None
    confidence: float = 0.0
    there_and_back: bool | None = None
    analysis: int = ANALYSIS


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyPictures:
    """A clip as the analysis sees it: `pixels` holds, one after the other, GREY_SIDE x GREY_SIDE grey values a picture,
    0..255, row by row.

    Each picture is shown from its start, in seconds, which rise from 0, to the next one's; the last one to `duration`.
    `width` x `height` px is the size of the clip.
    """

    pixels: bytes
    starts: Sequence[float]
    duration: float
    width: int
    height: int

    @property
    def are_consistent(self) -> bool:
        """Whether the fields fit each other. A decoder that a hostile file controls may send anything."""
        ends = [*self.starts[1:], self.duration]
        return (
            0 < len(self.starts) <= MAX_PICTURES
            and len(self.pixels) == len(self.starts) * GREY_SIDE**2
            and self.starts[0] >= 0
            and isfinite(self.duration)
            and all(start < end for start, end in zip(self.starts, ends, strict=True))
            and self.width > 0
            and self.height > 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionAnalysis:
    """What an analysis finds. `vector` places the motion among others: motions that are alike have near vectors.
    `curve` is, for each lag in steps of `step` seconds, how different pictures so far apart are: 1 as different as any
    two, 0 equal. A clip that is still, or too short, has no vector."""

    motion: Motion
    vector: bytes | None = None
    step: float = 0.0
    curve: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedMotion:
    """That a mechanism was analysed by version `analysis`, with the vector of its motion, if it has one."""

    mechanism_id: MechanismId
    analysis: int
    vector: bytes | None
    analysed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A mechanism that moves alike: `likeness` is 0..1, and `is_duplicate` says that it seems to be the same clip,
    perhaps altered."""

    mechanism_id: MechanismId
    likeness: float
    is_duplicate: bool = False


def period_in(text: float | str | None) -> float | None:
    """Returns the seconds that a form or a program states, None for none. Raises InvalidField."""
    if text is None or not str(text).strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidField(_PERIOD_FIELD, en="must be a number.", ja="数値で指定してください。") from error


def clean_period(seconds: float | None) -> float | None:
    """Returns a period as its author states it, to the microsecond; None for none. Raises InvalidField."""
    if seconds is None:
        return None
    if not MIN_PERIOD <= seconds <= MAX_PERIOD:
        raise InvalidField(
            _PERIOD_FIELD,
            en=f"must be {MIN_PERIOD} to {MAX_PERIOD:.0f} seconds.",
            ja=f"{MIN_PERIOD}〜{MAX_PERIOD:.0f} 秒で指定してください。",
        )
    return round(float(seconds), 6)
