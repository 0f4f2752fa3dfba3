"""Limits the unfinished files of each user: clips, pictures and documents."""

from collections import Counter

from mechshare.domain.ids import UserId
from mechshare.domain.overload import TooManyUnfinishedClips
from mechshare.ports.persistence.database import UnitOfWork

RETRY_AFTER = 30
"""Seconds: when a client that was refused may try again."""


class ClipLimit:
    """Allows each user `limit` files whose processing has not ended; 0 means no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    async def require_room(self, tx: UnitOfWork, *owners: UserId) -> None:
        """Raises TooManyUnfinishedClips unless each owner may have one more file for each time it is given.

        In a transaction it reserves the room: other transactions that require room for the same owner wait for its end.
        """
        if not self._limit:
            return
        # In one order, so that transactions never deadlock.
        for owner, added in sorted(Counter(owners).items()):
            if await tx.mechanism_files.count_unfinished(owner) + added > self._limit:
                raise TooManyUnfinishedClips(retry_after=RETRY_AFTER, limit=self._limit)
