"""Representations of motions."""

from msgspec import Struct

from mechshare.domain.motion import Motion, MotionKind
from mechshare.entrypoints.http.protocol.schema_names import published


@published("Motion")
class MotionResponse(Struct):
    """How a clip moves, as measured by version `analysis` of the analysis.

    `period_s` is the time in seconds after which the pictures come back, and `cycles` how often that fits into the
    clip; both are null unless they are known with a `confidence` (0 to 1) of at least 0.5. `loops` says that the whole
    clip repeats without a jump. `seam` is the step over the seam of `loop` as a multiple of a usual step.
    `there_and_back` says whether the motion returns the way it came; null if the clip is too short to show it.
    """

    kind: MotionKind
    period_s: float | None
    cycles: float | None
    loops: bool
    seam: float | None
    confidence: float
    there_and_back: bool | None
    analysis: int


@published("Loop")
class LoopResponse(Struct):
    """The part of the video that a player repeats without a jump: from `start` to `end`, in seconds."""

    start: float
    end: float


def motion_response(motion: Motion | None) -> MotionResponse | None:
    if motion is None:
        return None
    return MotionResponse(
        kind=motion.kind,
        period_s=motion.period,
        cycles=motion.cycles,
        loops=motion.loops,
        seam=motion.seam,
        confidence=motion.confidence,
        there_and_back=motion.there_and_back,
        analysis=motion.analysis,
    )


def loop_response(motion: Motion | None) -> LoopResponse | None:
    if motion is None or motion.cut is None:
        return None
    return LoopResponse(motion.cut.start, motion.cut.end)
