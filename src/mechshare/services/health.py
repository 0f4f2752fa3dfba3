"""Whether this installation can do its work."""

from dataclasses import dataclass

from mechshare.domain.errors import Unavailable
from mechshare.domain.search import SearchQuery
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence import Database
from mechshare.ports.search import SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one dependency answered. `is_essential` ones decide whether requests should be sent here at all."""

    name: str
    is_up: bool
    is_essential: bool
    detail: str


class HealthService:
    def __init__(self, database: Database, blobs: BlobStore, index: SearchIndex) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index

    async def check(self) -> tuple[Check, ...]:
        """Asks each dependency for something real."""
        return (await self._check_database(), await self._check_blobs(), await self._check_search())

    async def _check_database(self) -> Check:
        try:
            return Check(name="database", is_up=True, is_essential=True, detail=await self._database.check())
        except Unavailable as down:
            return Check(name="database", is_up=False, is_essential=True, detail=down.message)

    async def _check_blobs(self) -> Check:
        try:
            await self._blobs.stat("health/probe")
            return Check(name="blobs", is_up=True, is_essential=True, detail="answers")
        except Unavailable as down:
            return Check(name="blobs", is_up=False, is_essential=True, detail=down.message)

    async def _check_search(self) -> Check:
        try:
            result = await self._index.search(SearchQuery(limit=1))
            detail = f"answers; {result.total} published mechanisms"
            return Check(name="search", is_up=True, is_essential=False, detail=detail)
        except Unavailable as down:
            return Check(name="search", is_up=False, is_essential=False, detail=down.message)
