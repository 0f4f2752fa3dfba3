"""An index without NumPy."""

from collections.abc import Sequence
from math import sqrt

from mechshare.adapters.motion_index.outlines import are_copies, numbers_of, signed
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import Neighbour
from mechshare.ports.motion_index import MotionIndex


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
