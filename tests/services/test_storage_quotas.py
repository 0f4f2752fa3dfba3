import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mechshare.domain.accepted_files import UnsupportedFile
from mechshare.domain.audit import AuditAction
from mechshare.domain.errors import (
    DependencyUnavailable,
    FileTooLarge,
    InvalidField,
    UserNotFound,
)
from mechshare.domain.ids import UserId
from mechshare.domain.media import SNIFF_BYTES
from mechshare.domain.storage_quotas import (
    MAX_QUOTA_BYTES,
    RESERVATION_LIFETIME,
    QuotaExceeded,
    QuotaOverride,
)
from mechshare.domain.users import Actor, Role
from tests.services.world import GIF, HERE, World, chunks


def a_file(size: int) -> bytes:
    return GIF.ljust(size, b"\x00")


async def with_quota(world: World, limit: int, name: str = "mika") -> Actor:
    """Registers a user who may store `limit` bytes."""
    actor = await world.join(name)
    await set_quota(world, actor, limit)
    return actor


async def set_quota(world: World, actor: Actor, limit: int | None) -> None:
    async with world.database.begin() as tx:
        user = await tx.users.find_by_id(actor.id)
        await tx.users.save(user.with_quota(limit, world.clock.now()))


async def used(world: World, actor: Actor) -> int:
    return (await world.app.storage_quotas.get_quota(actor.id)).bytes_used


async def test_the_default_is_that_of_the_role(world):
    limits = {}
    for role in Role:
        actor = await world.join(role.value, role)
        limits[role] = (await world.app.storage_quotas.get_quota(actor.id)).bytes_limit
    plain = {Role.READER: 1_000_000, Role.USER: 1_000_000}
    assert limits == {**plain, Role.MODERATOR: 4 * 2**30, Role.ADMIN: None}


async def test_files_up_to_the_quota_are_stored_and_no_more(world):
    mika = await with_quota(world, 1_000)
    first = await world.upload(mika, a_file(600))
    with pytest.raises(QuotaExceeded) as refused:
        await world.upload(mika, a_file(401))
    assert refused.value.facts == {"used": 600, "limit": 1_000, "needed": 401}
    assert "600" in refused.value.message_in("ja")
    second = await world.upload(mika, a_file(400))
    assert sorted(await world.keys()) == sorted([first.key, second.key])
    assert await used(world, mika) == 1_000


async def test_stored_files_count_until_their_mechanism_is_deleted(world):
    mika = await with_quota(world, 100_000)
    mechanism = await world.create(mika)
    assert await used(world, mika) == len(GIF)
    await world.work()
    made = sum([await world.blobs.stat(key) for key in await world.keys()])
    assert made > len(GIF)
    assert await used(world, mika) == made

    await world.app.mechanisms.delete_mechanism(mika, mechanism.id, HERE)

    assert await used(world, mika) == 0


async def test_a_discarded_file_is_released(world):
    mika = await with_quota(world, 1_000)
    original = await world.upload(mika, a_file(1_000))
    await world.app.uploads.discard(original)
    assert await used(world, mika) == 0


async def endless() -> AsyncIterator[bytes]:
    yield GIF
    while True:
        yield bytes(10_000)


async def broken() -> AsyncIterator[bytes]:
    yield a_file(5_000)
    raise ConnectionError


async def cancelled() -> AsyncIterator[bytes]:
    yield a_file(5_000)
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (endless, FileTooLarge),
        (broken, ConnectionError),
        (cancelled, asyncio.CancelledError),
        (lambda: chunks(b"no clip"), UnsupportedFile),
    ],
)
async def test_a_failed_upload_releases_what_it_reserved(world, sent, failure):
    mika = await world.join("mika")
    with pytest.raises(failure):
        await world.app.uploads.receive(mika, sent(), "x", expected_bytes=50_000)
    assert await used(world, mika) == 0


async def test_a_store_that_is_down_releases_what_was_reserved(world):
    mika = await world.join("mika")
    world.blobs.is_down = True
    with pytest.raises(DependencyUnavailable):
        await world.upload(mika)
    assert await used(world, mika) == 0


@pytest.mark.parametrize("expected", [0, 90_000])
async def test_concurrent_uploads_do_not_exceed_the_quota_together(world, expected):
    """Without a stated size, a file is counted while it arrives."""
    mika = await with_quota(world, 200_000)
    content = a_file(90_000)
    most = 0

    async def upload() -> None:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal most
            for at in range(0, len(content), 9_000):
                most = max(most, await used(world, mika))
                yield content[at : at + 9_000]

        await world.app.uploads.receive(mika, pieces(), "x", expected_bytes=expected)

    outcomes = await asyncio.gather(*(upload() for _ in range(6)), return_exceptions=True)

    refused = [one for one in outcomes if one is not None]
    assert all(isinstance(one, QuotaExceeded) for one in refused)
    assert len(await world.keys()) == 6 - len(refused) <= 2
    assert most <= 200_000
    assert await used(world, mika) <= 200_000
    if expected:
        assert len(refused) == 4


async def test_junk_is_refused_before_it_is_read(world):
    mika = await with_quota(world, 10_000)
    taken = 0

    async def junk() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield a_file(1_000)

    for _ in range(3):
        with pytest.raises(QuotaExceeded):
            await world.app.uploads.receive(mika, junk(), "x", expected_bytes=50_000)
    assert taken <= 3 * (SNIFF_BYTES // 1_000 + 1)
    assert await world.keys() == []


async def test_a_wrong_stated_size_neither_helps_nor_harms(world):
    mika = await with_quota(world, 50_000)
    with pytest.raises(QuotaExceeded):
        await world.app.uploads.receive(mika, chunks(a_file(30_000), bytes(30_000)), "x", expected_bytes=1)
    original = await world.app.uploads.receive(mika, chunks(a_file(100)), "x", expected_bytes=50_000)
    await world.app.uploads.discard(original)
    assert await used(world, mika) == 0


async def test_the_reservation_of_a_crashed_server_ends(world):
    mika = await with_quota(world, 1_000)
    await world.upload(mika, a_file(1_000))  # and no mechanism is made of it
    with pytest.raises(QuotaExceeded):
        await world.upload(mika, a_file(50))
    world.clock.advance(RESERVATION_LIFETIME + timedelta(seconds=1))
    assert await used(world, mika) == 0
    await world.upload(mika, a_file(1_000))


async def test_a_slow_upload_renews_its_reservation(world):
    mika = await with_quota(world, 100_000)

    async def slow() -> AsyncIterator[bytes]:
        yield a_file(SNIFF_BYTES)  # the reservation begins once the format is known
        for _ in range(10):
            world.clock.advance(RESERVATION_LIFETIME * 0.6)
            assert await used(world, mika) == 90_000
            yield bytes(2_000)

    await world.app.uploads.receive(mika, slow(), "x", expected_bytes=90_000)


async def test_an_upload_outside_the_quota_is_stored_and_counts(world):
    mika = await with_quota(world, 10)
    original = await world.app.uploads.receive(mika, chunks(GIF), "x", has_quota=False)
    await world._drafted(mika, "歯車", original)
    assert await used(world, mika) == len(GIF)


async def test_an_admin_sets_and_resets_the_quota_of_a_user(world):
    boss, mika = await world.join("boss", Role.ADMIN), await world.join("mika")
    found = []
    for override in (QuotaOverride(7), QuotaOverride(7), QuotaOverride(0), QuotaOverride(None)):
        await world.app.users.change_account_status(boss, mika.id, HERE, quota=override)
        found.append((await world.app.storage_quotas.get_quota(mika.id)).bytes_limit)
    assert found == [7, 7, None, 1_000_000]
    actions = [entry.action for entry in await world.audited()]
    assert actions.count(AuditAction.QUOTA_CHANGED) == 3


@pytest.mark.parametrize("size", [-1, MAX_QUOTA_BYTES + 1])
async def test_an_impossible_quota_is_refused(world, size):
    boss, mika = await world.join("boss", Role.ADMIN), await world.join("mika")
    with pytest.raises(InvalidField):
        await world.app.users.change_account_status(boss, mika.id, HERE, quota=QuotaOverride(size))


async def test_an_unknown_user_has_no_quota(world):
    with pytest.raises(UserNotFound):
        await world.app.storage_quotas.get_quota(UserId("01900000-0000-7000-8000-00000000ffff"))
    nobody = Actor(id=UserId("01900000-0000-7000-8000-00000000ffff"), role=Role.USER)
    with pytest.raises(UserNotFound):
        await world.upload(nobody)
