"""Thumbnails of 3-D models among the attachments."""

from dataclasses import replace

import pytest

from mechshare.domain.blobs import BlobRole
from mechshare.domain.jobs import JobKind
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.trims import Trim, TrimChange
from mechshare.ports.media import MediaRejected
from mechshare.services import model_thumbnails
from tests.services.world import HERE, chunks

NO_TRIANGLE = ProcessingFailure(code=FailureCode.UNREADABLE, detail="no triangle")
STL = b"solid\nfacet normal 0 0 1\nvertex 0 0 0\nvertex 1 0 0\nvertex 1 1 0\n"


@pytest.fixture
async def mika(world):
    return await world.join("mika")


async def attach(world, actor, id, content=STL):
    file = await world.app.uploads.receive_attachment(actor, chunks(content), "歯車.stl")
    return await world.app.attachments.add(actor, id, file)


async def stored(world, actor, id):
    return list(await world.app.attachments.find_all(actor, id))


async def roles(world, id):
    async with world.database.read() as tx:
        found = await tx.blob_references.find_page(limit=100)
    return {one.key: one.role for one in found if one.owner_id == id}


async def attach_undrawable(world, user, id):
    world.media.faults = [MediaRejected(NO_TRIANGLE, permanent=True)]
    await attach(world, user, id)
    await world.work()


async def test_a_model_gets_a_thumbnail_that_counts_in_the_quota_and_ends_with_it(world, mika):
    made = await world.external(mika)
    one, other = [await attach(world, mika, made.id) for _ in range(2)]

    jobs = await world.work()

    drawn = [job for job in jobs if job.kind is JobKind.DRAW_MODEL]
    assert {(job.subject, job.owner) for job in drawn} == {(one.id, mika.id), (other.id, mika.id)}
    first, second = await stored(world, mika, made.id)
    assert first.thumbnail_key != second.thumbnail_key
    assert (await roles(world, made.id))[first.thumbnail_key] is BlobRole.MODEL_THUMBNAIL
    used = (await world.app.storage_quotas.get_quota(mika.id)).bytes_used
    assert used > 2 * len(STL)
    found = await world.app.media.find_media(mika, first.thumbnail_key)
    assert found.content_type == "image/webp"

    await world.app.attachments.remove(mika, made.id, first.id, HERE)
    await world.work()
    assert set(await world.keys()) == {second.key, second.thumbnail_key}
    assert set(await roles(world, made.id)) == {second.key, second.thumbnail_key}


async def test_other_files_are_not_drawn(world, mika):
    made = await world.external(mika)
    await attach(world, mika, made.id, b"ISO-10303-21;")

    assert JobKind.DRAW_MODEL not in [job.kind for job in await world.work()]


async def test_a_model_that_can_not_be_drawn_says_why(world, mika):
    made = await world.external(mika)
    await attach_undrawable(world, mika, made.id)

    (found,) = await stored(world, mika, made.id)
    assert (found.thumbnail_key, found.thumbnail_failure) == (None, NO_TRIANGLE)


async def test_processing_again_leaves_the_thumbnails_of_attachments(world, mika):
    made = await world.create(mika)
    await attach(world, mika, made.id)
    await world.work()
    await world.app.mechanisms.update_mechanism(mika, made.id, trim=TrimChange(Trim(start_ms=500)))
    await world.work()

    (found,) = await stored(world, mika, made.id)
    assert found.thumbnail_key in await world.keys()
    assert (await roles(world, made.id))[found.thumbnail_key] is BlobRole.MODEL_THUMBNAIL


async def test_the_thumbnail_of_an_attachment_that_is_removed_meanwhile_is_deleted(world, mika):
    made = await world.external(mika)
    attached = await attach(world, mika, made.id)

    async def remove():
        await world.app.attachments.remove(mika, made.id, attached.id, HERE)

    world.media.faults = [remove]
    await world.work()

    assert (await world.keys(), await roles(world, made.id)) == ([], {})


async def test_the_thumbnails_of_models_end_with_their_mechanism(world, mika):
    made = await world.external(mika)
    await attach(world, mika, made.id)
    await world.work()
    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    await world.work()

    assert await world.keys() == []


async def test_models_of_an_earlier_release_are_drawn_once_an_operator_asks_for_it(world, mika, monkeypatch):
    monkeypatch.setattr(model_thumbnails, "_BATCH_SIZE", 2)
    made = await world.external(mika)
    drawn = await attach(world, mika, made.id)
    await world.work()
    earlier = [replace(drawn, id=f"a{place}", position=place + 1, thumbnail_key=None) for place in range(3)]
    async with world.database.begin() as tx:
        for one in earlier:
            await tx.attachments.add(one)

    assert await world.app.model_thumbnails.draw_missing() == 3
    assert await world.app.model_thumbnails.draw_missing() == 3
    jobs = await world.work()

    assert {(job.subject, job.owner) for job in jobs} == {(one.id, mika.id) for one in earlier}
    assert len(jobs) == 3
    assert all(one.thumbnail_key for one in await stored(world, mika, made.id))
    assert await world.app.model_thumbnails.draw_missing() == 0


async def test_what_can_not_be_drawn_is_not_tried_for_ever(world, mika):
    made = await world.external(mika)
    await attach_undrawable(world, mika, made.id)

    assert await world.app.model_thumbnails.draw_missing() == 0
