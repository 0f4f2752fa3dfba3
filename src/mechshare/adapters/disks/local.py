"""The disks of this machine, by statvfs."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from mechshare.domain.disks import DiskSpace
from mechshare.domain.errors import DependencyUnavailable

_MAX_DEFAULT_RESERVE = 2**30
_DEFAULT_RESERVE_FRACTION = 20


def existing(folder: Path) -> Path:
    """Returns `folder`, or the nearest folder above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


class LocalDisks:
    """The disks of `folders`, which need not exist yet.

    `reserve` in bytes; None: a twentieth of each disk, 1 GiB at most.
    """

    def __init__(self, folders: Sequence[Path], reserve: int | None = None) -> None:
        self._folders = tuple(folders)
        self._reserve = reserve

    async def find_tightest(self) -> DiskSpace:
        try:
            spaces = await asyncio.to_thread(lambda: [self._space(folder) for folder in self._folders])
        except OSError as problem:
            raise DependencyUnavailable(dependency="disk") from problem
        return min(spaces, key=lambda space: space.room)

    def _space(self, folder: Path) -> DiskSpace:
        there = existing(folder)
        status = os.statvfs(there)
        reserve = self._reserve
        if reserve is None:
            size = status.f_blocks * status.f_frsize
            reserve = min(size // _DEFAULT_RESERVE_FRACTION, _MAX_DEFAULT_RESERVE)
        free = status.f_bavail * status.f_frsize
        return DiskSpace(place=str(there), free_bytes=free, reserve_bytes=reserve)
