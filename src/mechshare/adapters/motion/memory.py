"""An analyser that finds what repeats exactly, and an index, both without NumPy."""

from collections.abc import Sequence
from hashlib import sha256
from math import sqrt

from mechshare.adapters.motion.outlines import are_copies, numbers_of, signed
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import (
    GREY_SIDE,
    VECTOR_BYTES,
    GreyPictures,
    LoopCut,
    Motion,
    MotionAnalysis,
    MotionKind,
    Neighbour,
)
from mechshare.ports.motion import MotionAnalyser, MotionIndex


class ExactMotionAnalyser(MotionAnalyser):
    """Finds the period after which every picture is the same again, to the last grey value."""

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


class MemoryMotionIndex(MotionIndex):
    def __init__(self) -> None:
        self._vectors: dict[MechanismId, bytes] = {}

    async def put(self, vectors: Sequence[tuple[MechanismId, bytes | None]]) -> None:
        for id, vector in vectors:
            if vector is None:
                self._vectors.pop(id, None)
            else:
                self._vectors[id] = vector

    async def nearest(self, vector: bytes, *, offset: int, limit: int) -> Sequence[Neighbour]:
        likenesses = [(_likeness(vector, other), id) for id, other in self._vectors.items()]
        nearest = sorted(likenesses, key=lambda found: (-found[0], found[1]))[offset : offset + limit]
        return [
            Neighbour(
                mechanism_id=id,
                likeness=round(likeness, 3),
                is_duplicate=are_copies(vector, self._vectors[id], likeness),
            )
            for likeness, id in nearest
        ]


def _likeness(one: bytes, other: bytes) -> float:
    first, second = signed(numbers_of(one)), signed(numbers_of(other))
    length = sqrt(sum(value * value for value in first) * sum(value * value for value in second))
    return max(0.0, sum(map(int.__mul__, first, second)) / length) if length else 0.0
