"""Distinguishes copies of a clip from other clips with similar motion, by the small picture of what moves in each."""

from math import sqrt

from mechshare.domain.motion import OUTLINE_SIDE, VECTOR_NUMBERS

POSSIBLE = 0.75
"""The least likeness of copies."""
_SAME = 0.93
"""The least correlation of the outlines of copies, in the best of eight turns and reflections."""


def signed(vector: bytes) -> list[int]:
    """Returns the numbers of a vector or of a part of it."""
    return memoryview(vector).cast("b").tolist()


def numbers_of(vector: bytes) -> bytes:
    """Returns the part of a vector that compares motions."""
    return vector[:VECTOR_NUMBERS]


def are_copies(one: bytes, other: bytes, likeness: float) -> bool:
    """Whether two vectors of this likeness seem to be of one clip, perhaps altered."""
    if likeness < POSSIBLE:
        return False
    first, second = signed(one[VECTOR_NUMBERS:]), signed(other[VECTOR_NUMBERS:])
    length = sqrt(sum(value * value for value in first) * sum(value * value for value in second))
    best = max(sum(map(int.__mul__, turned, second)) for turned in _turned_and_mirrored(first))
    return length > 0 and best >= _SAME * length


def _turned_and_mirrored(picture: list[int]) -> list[list[int]]:
    rows = [picture[start : start + OUTLINE_SIDE] for start in range(0, len(picture), OUTLINE_SIDE)]
    found = []
    for _ in range(4):
        rows = [list(row) for row in zip(*rows[::-1], strict=True)]
        found.append([value for row in rows for value in row])
        found.append([value for row in rows for value in reversed(row)])
    return found
