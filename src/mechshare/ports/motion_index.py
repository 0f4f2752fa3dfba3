"""Which motions are alike."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import Neighbour


class MotionIndex(Protocol):
    """The vectors of motions, in the memory of this process: rebuilt from the database, which stays the truth."""

    async def put(self, vectors: Sequence[tuple[MechanismId, bytes | None]]) -> None:
        """Stores each vector in place of an earlier one of its mechanism; None removes it."""

    async def nearest(self, vector: bytes, *, offset: int, limit: int) -> Sequence[Neighbour]:
        """Returns the `limit` motions that follow the first `offset`, most alike first, equal ones by identifier.

        The mechanism of the vector itself is among them, if it is stored.
        """
