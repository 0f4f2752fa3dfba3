import pytest

from mechshare.domain.disks import DiskReserveReached
from mechshare.domain.media import SNIFF_BYTES
from mechshare.domain.processing import ProcessingState
from tests.services.world import GIF, HERE, PASSWORD


async def test_no_file_is_received_below_the_reserve_and_the_rest_goes_on(world):
    mika = await world.join("mika")
    mechanism = await world.external(mika)
    world.disks.free_bytes = 999

    with pytest.raises(DiskReserveReached):
        await world.upload(mika)

    assert await world.keys() == []
    await world.app.mechanisms.update_mechanism(mika, mechanism.id, title="another")
    assert (await world.app.mechanisms.get_mechanism(mika, mechanism.id)).mechanism.title == "another"
    assert (await world.app.sessions.login("mika", PASSWORD, HERE)).access_token
    await world.join("rin")
    world.disks.free_bytes = 1_000 + len(GIF)
    await world.upload(mika)


async def test_a_file_that_would_use_the_reserve_is_refused_before_it_is_read(world):
    mika = await world.join("mika")
    world.disks.free_bytes = 50_999

    async def unread():
        raise AssertionError("the file was read")
        yield GIF

    with pytest.raises(DiskReserveReached):
        await world.app.uploads.receive(mika, unread(), "x", expected_bytes=50_000)


async def test_an_upload_ends_when_the_disk_reaches_its_reserve(world, monkeypatch):
    monkeypatch.setattr("mechshare.services.uploads._DISK_CHECK_BYTES", 10_000)
    mika = await world.join("mika")
    taken = 0

    async def filling():
        nonlocal taken
        yield GIF.ljust(SNIFF_BYTES, b"\0")
        while True:
            taken += 1
            world.disks.free_bytes = 10_000 - 5_000 * taken
            yield bytes(5_000)

    with pytest.raises(DiskReserveReached):
        await world.app.uploads.receive(mika, filling(), "x")
    assert taken <= 3
    assert await world.keys() == []


async def test_clips_wait_below_the_reserve_and_are_processed_above_it(world):
    mika = await world.join("mika")
    mechanism = await world.create(mika)
    world.disks.free_bytes = 999

    await world.app.runner.run_one()  # its draft is indexed
    await world.app.runner.run_one()

    assert (await world.stored(mechanism.id)).processing.state is not ProcessingState.FAILED
    assert len(await world.keys()) == 1
    world.disks.free_bytes = 10**12
    await world.work()
    assert (await world.stored(mechanism.id)).processing.state is ProcessingState.READY


async def test_the_doctor_names_a_disk_below_its_reserve(world):
    world.disks.free_bytes = 999
    (report,) = [one for one in await world.app.doctor.examine() if one.name == "disk"]
    assert report.problem == "full"
