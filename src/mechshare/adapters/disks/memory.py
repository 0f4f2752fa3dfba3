"""A disk of a fixed size, for installations in memory."""

from mechshare.domain.disks import DiskSpace


class MemoryDisks:
    def __init__(self, space: DiskSpace | None = None) -> None:
        self._space = space or DiskSpace(place="memory", free_bytes=2**62, reserve_bytes=0)

    async def find_tightest(self) -> DiskSpace:
        return self._space
