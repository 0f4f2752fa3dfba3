"""An analyser that finds what repeats exactly, without NumPy."""

from collections.abc import Sequence
from hashlib import sha256

from mechshare.domain.motion import (
    GREY_SIDE,
    VECTOR_BYTES,
    GreyPictures,
    LoopCut,
    Motion,
    MotionAnalysis,
    MotionKind,
)
from mechshare.ports.motion import MotionAnalyser


class ExactMotionAnalyser(MotionAnalyser):
    """Finds the period after which every picture is the same again, to the last grey value."""

    async def prepare(self) -> None:
        """Does nothing: there is nothing to load."""

    async def analyse(self, clip: GreyPictures) -> MotionAnalysis:
        if not clip.are_consistent:
            raise ValueError("the pictures and their times don't fit each other")
        size = GREY_SIDE**2
        pictures = [clip.pixels[start : start + size] for start in range(0, len(clip.pixels), size)]
        if len(set(pictures)) == 1:
            return MotionAnalysis(motion=Motion(kind=MotionKind.STILL))
        vector = (sha256(clip.pixels).digest() * VECTOR_BYTES)[:VECTOR_BYTES]
        return MotionAnalysis(motion=_repeated(clip, pictures), vector=vector)


def _repeated(clip: GreyPictures, pictures: Sequence[bytes]) -> Motion:
    count = len(pictures)
    for period in range(1, count // 2 + 1):
        if pictures[period:] == pictures[:-period]:
            seconds = clip.starts[period]
            is_whole = count % period == 0
            return Motion(
                kind=MotionKind.LOOP if is_whole else MotionKind.PERIODIC,
                period=seconds,
                cycles=round(clip.duration / seconds, 2),
                loops=is_whole,
                cut=LoopCut(start=0.0, end=seconds),
                seam=1.0,
                confidence=1.0,
            )
    return Motion(kind=MotionKind.APERIODIC)
