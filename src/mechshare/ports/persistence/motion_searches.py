"""Searches by the motion of a clip that is not kept."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import MotionSearchId
from mechshare.domain.motion_searches import MotionSearch


class MotionSearchRepository(Protocol):
    """A search is deleted with its user."""

    async def add(self, search: MotionSearch) -> None:
        """Stores a new search. Raises UserNotFound."""

    async def find_by_id(self, search_id: MotionSearchId) -> MotionSearch | None: ...

    async def save(self, search: MotionSearch) -> None:
        """Replaces the search; does nothing if it was deleted."""

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        """Deletes at most `limit` searches that expired before `now`; returns how many."""
