"""The contract suite of disks."""

from mechshare.ports.disks import Disks


async def test_a_disk_states_its_free_bytes_and_its_reserve(disks: Disks) -> None:
    space = await disks.find_tightest()
    assert space.place
    assert space.free_bytes >= 0
    assert space.reserve_bytes >= 0
    assert space.room == space.free_bytes - space.reserve_bytes
