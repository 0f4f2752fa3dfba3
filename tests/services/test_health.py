import pytest

from mechshare.domain.pagination import EXACT_TOTAL
from mechshare.testing.search.contract import document

ALL = ["database", "blobs", "disk", "search", "jobs", "cache", "limits"]


async def test_a_working_installation_is_healthy(world):
    checks = await world.app.health.check()
    assert [(check.name, check.is_up) for check in checks] == [(name, True) for name in ALL]
    assert all(check.detail for check in checks)


@pytest.mark.parametrize("broken", ["database", "blobs", "index"])
async def test_an_outage_is_named_and_the_rest_still_checked(world, broken):
    getattr(world, broken).is_down = True

    checks = await world.app.health.check()

    (down,) = [check for check in checks if not check.is_up]
    assert down.name == {"index": "search"}.get(broken, broken)
    assert "is not responding" in down.detail
    assert [check.name for check in checks] == ALL


@pytest.mark.parametrize(
    ("uploads", "essential"), [(False, {"database"}), (True, {"database", "blobs", "disk"})]
)
async def test_only_uploads_need_the_files(world, uploads, essential):
    checks = await world.app.health.check(uploads=uploads)
    assert {check.name for check in checks if check.is_essential} == essential


async def test_a_disk_below_its_reserve_is_named(world):
    world.disks.free_bytes = 999
    (down,) = [check for check in await world.app.health.check(uploads=True) if not check.is_up]
    assert (down.name, down.is_essential) == ("disk", True)
    assert "short of disk space" in down.detail


@pytest.mark.parametrize(("held", "count"), [(EXACT_TOTAL, "10000"), (EXACT_TOTAL + 1, "more than 10,000")])
async def test_no_number_is_shown_beyond_the_limit_of_exact_counts(world, held, count):
    await world.index.put([document(str(number), "cam") for number in range(held)])
    (search,) = [check for check in await world.app.health.check() if check.name == "search"]
    assert search.detail == f"reachable; {count} published mechanisms"
