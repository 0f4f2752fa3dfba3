"""Bytes at rest: damage is found, reported and not served, and a restored file is served again."""

from datetime import timedelta

import pytest

from mechshare.domain.blobs import Damage, MediaDamaged, blob_key
from mechshare.domain.jobs import JobKind
from mechshare.services.support.file_verification import VERIFIED_EVERY
from tests.services.conftest import open_world
from tests.services.world import GIF, chunks


@pytest.fixture
async def world(tmp_path):
    async with open_world("memory", tmp_path) as opened:
        yield opened


@pytest.fixture
async def clip(world):
    """A published mechanism; returns it as stored."""
    mika = await world.join("mika")
    made = await world.create(mika)
    await world.work()
    await world.app.mechanisms.publish(mika, made.id)
    await world.work()
    return await world.stored(made.id)


async def content(world, key):
    return b"".join([chunk async for chunk in world.blobs.read(key)])


async def verified(world):
    seen = []
    result = await world.app.verification.verify_all(seen.append)
    assert sum(seen) == result.files
    return result


async def test_verification_lists_lost_and_altered_files(world, clip):
    assert (await verified(world)).damaged == ()
    await world.blobs.write(clip.original.key, chunks(GIF + b"x"))
    await world.blobs.delete(blob_key(clip.thumbnail_url))

    result = await verified(world)

    found = {(one.key, one.damage, one.mechanism_id) for one in result.damaged}
    assert found == {
        (clip.original.key, Damage.ALTERED, clip.id),
        (blob_key(clip.thumbnail_url), Damage.MISSING, clip.id),
    }
    assert {key for key, _ in world.observer.damaged} == {one.key for one in result.damaged}
    assert await world.app.verification.find_damaged() == result.damaged


async def test_the_scheduler_reads_each_file_once_a_month(world, clip):
    key = blob_key(clip.file_url)
    await world.blobs.write(key, chunks(b"other bytes"))
    await world.app.scheduler.enqueue_due_jobs()
    assert JobKind.VERIFY_FILES not in [job.kind for job in await world.work()]

    world.clock.advance(VERIFIED_EVERY + timedelta(minutes=1))
    await world.app.scheduler.enqueue_due_jobs()
    assert JobKind.VERIFY_FILES in [job.kind for job in await world.work()]
    assert world.observer.damaged == [(key, Damage.ALTERED)]

    world.clock.advance(timedelta(minutes=2))
    await world.app.scheduler.enqueue_due_jobs()
    assert JobKind.VERIFY_FILES not in [job.kind for job in await world.work()]


async def test_a_damaged_file_is_served_again_once_it_is_restored(world, clip):
    key = blob_key(clip.file_url)
    good = await content(world, key)
    await world.blobs.write(key, chunks(b"x" * len(good)))
    await verified(world)
    with pytest.raises(MediaDamaged):
        await world.app.media.find_media(None, key)

    await world.blobs.write(key, chunks(good))
    world.clock.advance(timedelta(hours=2))
    await world.app.scheduler.enqueue_due_jobs()
    await world.work()

    assert (await world.app.media.find_media(None, key)).size == len(good)


async def test_a_file_cut_short_after_its_size_was_cached_is_not_served(world, clip):
    key = blob_key(clip.file_url)
    media = await world.app.media.find_media(None, key)
    await world.blobs.write(key, chunks((await content(world, key))[:1]))

    with pytest.raises(MediaDamaged):
        async for _ in world.app.media.read(media, 1, media.size):
            pass

    assert world.observer.damaged == [(key, Damage.ALTERED)]
    with pytest.raises(MediaDamaged):
        await world.app.media.find_media(None, key)


async def test_one_of_many_files_served_whole_is_compared_with_its_digest(world, clip):
    key = blob_key(clip.file_url)
    media = await world.app.media.find_media(None, key)
    good = await content(world, key)
    await world.blobs.write(key, chunks(b"x" * len(good)))

    read = [chunk async for chunk in world.app.media.read(media, 0, 1)]
    assert read == [b"x"]
    with pytest.raises(MediaDamaged):
        async for _ in world.app.media.read(media, 0, media.size):
            pass
    assert world.observer.damaged == [(key, Damage.ALTERED)]


async def test_an_outage_of_the_store_is_no_damage(world, clip):
    world.blobs.is_down = True
    with pytest.raises(Exception, match="not responding"):
        await verified(world)
    world.blobs.is_down = False
    assert (await verified(world)).damaged == ()
