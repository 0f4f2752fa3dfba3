"""Searches by motion in memory."""

from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import MotionSearchId
from mechshare.domain.motion_searches import MotionSearch
from mechshare.ports.persistence.motion_searches import MotionSearchRepository

MOTION_SEARCHES = Table(
    "motion_searches", MotionSearch, id=KEY, user_id=Column(refers_to=USERS, cascades=True)
)


class MemoryMotionSearchRepository(MotionSearchRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, search: MotionSearch) -> None:
        try:
            self._access.write(MOTION_SEARCHES).insert(search)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, search_id: MotionSearchId) -> MotionSearch | None:
        return self._access.read(MOTION_SEARCHES).find(search_id)

    async def save(self, search: MotionSearch) -> None:
        searches = self._access.write(MOTION_SEARCHES)
        if searches.find(search.id) is not None:
            searches.put(search)

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        searches = self._access.write(MOTION_SEARCHES)
        expired = [one.id for one in searches if one.expires_at < now][:limit]
        for id in expired:
            searches.delete(id)
        return len(expired)
