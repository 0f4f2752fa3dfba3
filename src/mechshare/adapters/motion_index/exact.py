"""The index in the memory of the process, which compares a vector with all others."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mechshare.adapters.motion_index.outlines import are_copies, numbers_of
from mechshare.adapters.single_thread import use_one_thread
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import Neighbour
from mechshare.ports.motion_index import MotionIndex

if TYPE_CHECKING:
    from mechshare.adapters.motion_index.matrix import Matrix


class NumpyMotionIndex(MotionIndex):
    """A matrix of all vectors, VECTOR_BYTES each and as many again for its growth. NumPy is loaded at the first use."""

    def __init__(self) -> None:
        self._vectors: dict[MechanismId, bytes] = {}
        self._matrix: Matrix | None = None
        self._is_current = False

    async def put(self, vectors: Sequence[tuple[MechanismId, bytes | None]]) -> None:
        changed = [(id, vector) for id, vector in vectors if self._vectors.get(id) != vector]
        for id, vector in changed:
            if vector is None:
                del self._vectors[id]
            else:
                self._vectors[id] = vector
        self._is_current = self._is_current and not changed

    async def nearest(self, vector: bytes, *, offset: int, limit: int) -> Sequence[Neighbour]:
        return await asyncio.to_thread(self._nearest, vector, offset, limit)

    def _nearest(self, vector: bytes, offset: int, limit: int) -> Sequence[Neighbour]:
        use_one_thread()
        from mechshare.adapters.motion_index.matrix import Matrix

        vectors = dict(self._vectors)
        if self._matrix is None or not self._is_current:
            self._is_current = True
            self._matrix = Matrix({id: numbers_of(one) for id, one in vectors.items()})
        found = self._matrix.nearest(numbers_of(vector), offset + limit)[offset:]
        return [
            Neighbour(
                mechanism_id=id,
                likeness=round(likeness, 3),
                is_duplicate=are_copies(vector, vectors.get(id, b""), likeness),
            )
            for id, likeness in found
            if id in vectors
        ]
