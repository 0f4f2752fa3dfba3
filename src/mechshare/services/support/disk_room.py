"""Stops the writing of files before a disk is full."""

from mechshare.ports.disks import Disks


async def require_disk_room(disks: Disks, size: int = 0) -> None:
    """Raises DiskReserveReached unless `size` more bytes leave the reserve of every disk free; Unavailable."""
    (await disks.find_tightest()).require_room_for(size)
