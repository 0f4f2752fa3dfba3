"""Checks whether this installation can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from mechshare.domain.blobs import PROBE_KEY
from mechshare.domain.disks import DiskSpace
from mechshare.domain.errors import OutOfSpace, Unavailable
from mechshare.domain.pagination import how_many
from mechshare.domain.search import SearchQuery
from mechshare.ports.blobs import BlobStore
from mechshare.ports.disks import Disks
from mechshare.ports.persistence.database import Database
from mechshare.ports.search import SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The state of one dependency. While an `is_essential` one is down, no requests should be sent here."""

    name: str
    is_up: bool
    is_essential: bool
    detail: str


def readiness(checks: Sequence[Check], *, is_stopping: bool) -> tuple[str, bool]:
    """Returns the status and whether requests may be sent here.

    `stopping`; `unavailable` if an essential dependency is down; `degraded` if another one is; otherwise `ready`.
    """
    if is_stopping:
        return "stopping", False
    if any(check.is_essential and not check.is_up for check in checks):
        return "unavailable", False
    return ("ready" if all(check.is_up for check in checks) else "degraded"), True


class HealthService:
    """Checks all dependencies; `optional` are the checks of the optional ones, by name."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        index: SearchIndex,
        disks: Disks,
        optional: Mapping[str, Callable[[], Awaitable[str]]],
    ) -> None:
        self._blobs = blobs
        self._index = index
        self._disks = disks
        self._checks: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
            ("database", database.check),
            ("blobs", self._check_blobs),
            ("disk", self._check_disk),
            ("search", self._check_search),
            *optional.items(),
        )

    async def check(self, *, uploads: bool = False) -> tuple[Check, ...]:
        """Sends a real request to every dependency, all concurrently.

        The database is essential and, for `uploads`, the blob store and room on the disk; everything else works without
        them.
        """
        essential = {"database", "blobs", "disk"} if uploads else {"database"}
        return tuple(
            await asyncio.gather(
                *(_run_check(name, check, name in essential) for name, check in self._checks)
            )
        )

    async def find_disk_space(self) -> DiskSpace:
        """Returns the space of the disk with the least room. Raises Unavailable."""
        return await self._disks.find_tightest()

    async def _check_disk(self) -> str:
        space = await self.find_disk_space()
        space.require_room_for(0)
        return f"{space.room} bytes above the reserve"

    async def _check_blobs(self) -> str:
        await self._blobs.stat(PROBE_KEY)
        return "reachable"

    async def _check_search(self) -> str:
        result = await self._index.search(SearchQuery(limit=1))
        return f"reachable; {how_many(result.total)} published mechanisms"


async def _run_check(name: str, check: Callable[[], Awaitable[str]], is_essential: bool) -> Check:
    try:
        return Check(name=name, is_up=True, is_essential=is_essential, detail=await check())
    except (Unavailable, OutOfSpace) as down:
        return Check(name=name, is_up=False, is_essential=is_essential, detail=down.message)
