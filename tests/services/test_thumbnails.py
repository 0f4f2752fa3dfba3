import pytest

from mechshare.domain.blobs import BlobRole, OwnerKind, blob_key
from mechshare.domain.errors import InvalidField, MechanismNotFound
from mechshare.domain.jobs import JobKind
from mechshare.domain.thumbnails import NoThumbnailToChoose


@pytest.fixture
async def mika(world):
    return await world.join("mika")


async def processed(world, actor):
    made = await world.create(actor)
    await world.work()
    return await world.stored(made.id)


async def test_the_chosen_thumbnail_replaces_the_present_one_and_nothing_else(world, mika):
    before = await processed(world, mika)

    chosen = await world.app.thumbnails.choose_thumbnail(mika, before.id, 1.5)
    assert chosen.mechanism.thumbnail_url == before.thumbnail_url
    assert JobKind.DRAW_THUMBNAIL in [job.kind for job in await world.work()]

    after = await world.stored(before.id)
    assert after.media.thumbnail_at == 1.5
    assert after.thumbnail_url != before.thumbnail_url
    assert (after.file_url, after.preview_url) == (before.file_url, before.preview_url)
    async with world.database.begin() as tx:
        files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [before.id])
    assert {file.role: file.key for file in files if file.role is not BlobRole.ORIGINAL} == {
        BlobRole.VIDEO: blob_key(after.file_url),
        BlobRole.PREVIEW: blob_key(after.preview_url),
        BlobRole.THUMBNAIL: blob_key(after.thumbnail_url),
    }


async def test_the_last_of_several_choices_is_shown(world, mika):
    made = await processed(world, mika)

    await world.app.thumbnails.choose_thumbnail(mika, made.id, 1.5)
    await world.work()
    late = (await world.stored(made.id)).thumbnail_url
    for at in (0.1, 1.5):
        await world.app.thumbnails.choose_thumbnail(mika, made.id, at)
    await world.work()

    assert (await world.stored(made.id)).thumbnail_url == late


async def test_a_moment_outside_the_clip_is_refused(world, mika):
    made = await processed(world, mika)

    for at in (-0.1, 2.5, float("nan")):
        with pytest.raises(InvalidField):
            await world.app.thumbnails.choose_thumbnail(mika, made.id, at)


async def test_only_a_clip_that_is_stored_and_ready_has_a_thumbnail_to_choose(world, mika):
    for made in (await world.create(mika), await world.external(mika)):
        with pytest.raises(NoThumbnailToChoose):
            await world.app.thumbnails.choose_thumbnail(mika, made.id, 0)


async def test_others_choose_no_thumbnail(world, mika):
    made = await processed(world, mika)

    with pytest.raises(MechanismNotFound):
        await world.app.thumbnails.choose_thumbnail(await world.join("other"), made.id, 0)
