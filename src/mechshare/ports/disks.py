"""The disks of this machine that the installation writes to."""

from typing import Protocol

from mechshare.domain.disks import DiskSpace


class Disks(Protocol):
    async def find_tightest(self) -> DiskSpace:
        """Returns the space of the disk that has the least room above its reserve. Raises Unavailable."""
