import pytest

from mechshare.domain.blobs import BlobRole, OwnerKind, blob_key, digest_prefix
from mechshare.domain.errors import InvalidField, MechanismNotFound
from mechshare.domain.jobs import JobKind
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.thumbnails import NoThumbnailToChoose, UnsupportedThumbnail
from mechshare.domain.trims import Trim, TrimChange
from mechshare.ports.media import MediaRejected
from tests.services.world import GIF, chunks

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da63a80700008100807e1c29c70000000049454e44ae426082"
)
"""One grey pixel."""
PDF = b"%PDF-1.7\n"


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
        BlobRole.PHASES: blob_key(after.motion_url),
    }


def digest_of_thumbnail(mechanism):
    return digest_prefix(blob_key(mechanism.thumbnail_url))


async def test_the_last_of_several_choices_is_shown(world, mika):
    made = await processed(world, mika)

    await world.app.thumbnails.choose_thumbnail(mika, made.id, 1.5)
    await world.work()
    late = digest_of_thumbnail(await world.stored(made.id))
    for at in (0.1, 1.5):
        await world.app.thumbnails.choose_thumbnail(mika, made.id, at)
    await world.work()

    assert digest_of_thumbnail(await world.stored(made.id)) == late != ""


async def test_a_moment_outside_the_clip_is_refused(world, mika):
    made = await processed(world, mika)

    for at in (-0.1, 2.5, float("nan")):
        with pytest.raises(InvalidField):
            await world.app.thumbnails.choose_thumbnail(mika, made.id, at)


async def test_only_a_clip_that_is_stored_and_ready_has_a_thumbnail_to_choose(world, mika):
    for made in (await world.create(mika), await world.external(mika)):
        with pytest.raises(NoThumbnailToChoose):
            await world.app.thumbnails.choose_thumbnail(mika, made.id, 0)


async def test_other_users_cannot_choose_the_thumbnail(world, mika):
    made = await processed(world, mika)

    with pytest.raises(MechanismNotFound):
        await world.app.thumbnails.choose_thumbnail(await world.join("other"), made.id, 0)


async def picture(world, actor, content=PNG):
    return await world.app.uploads.receive_thumbnail(actor, chunks(content), "own.png")


async def stored_roles(world, id):
    async with world.database.begin() as tx:
        files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id])
        await tx.blob_references.add(files)
    return {file.role: file.key for file in files}


@pytest.mark.parametrize("content", [GIF, PNG, PDF], ids=["clip", "picture", "document"])
async def test_a_sent_picture_becomes_the_thumbnail_until_it_is_removed(world, mika, content):
    made = await world.create(mika, content=content)
    await world.work()
    usual = blob_key((await world.stored(made.id)).thumbnail_url)

    sent = await picture(world, mika)
    await world.app.thumbnails.choose_own_thumbnail(mika, made.id, sent)
    await world.work()

    own = blob_key((await world.stored(made.id)).thumbnail_url)
    assert own != usual
    roles = await stored_roles(world, made.id)
    assert (roles[BlobRole.THUMBNAIL], roles[BlobRole.OWN_THUMBNAIL]) == (own, sent.key)
    assert usual not in await world.keys()

    removed = await world.app.thumbnails.remove_own_thumbnail(mika, made.id)
    assert removed.mechanism.original.own_thumbnail is None
    await world.work()

    after = await world.stored(made.id)
    assert BlobRole.OWN_THUMBNAIL not in await stored_roles(world, made.id)
    assert {own, sent.key}.isdisjoint(await world.keys())
    assert blob_key(after.thumbnail_url) in await world.keys()


async def test_another_picture_and_a_chosen_moment_end_the_use_of_a_picture(world, mika):
    made = await processed(world, mika)
    first, second = await picture(world, mika), await picture(world, mika)

    for sent in (first, second):
        await world.app.thumbnails.choose_own_thumbnail(mika, made.id, sent)
    await world.work()
    assert (first.key in await world.keys(), second.key in await world.keys()) == (False, True)

    await world.app.thumbnails.choose_thumbnail(mika, made.id, 0.5)
    await world.work()
    after = await world.stored(made.id)
    assert (after.original.own_thumbnail, after.media.thumbnail_at) == (None, 0.5)
    assert second.key not in await world.keys()


async def test_a_sent_picture_stays_the_thumbnail_of_a_trimmed_clip(world, mika):
    made = await processed(world, mika)
    await world.app.thumbnails.choose_own_thumbnail(mika, made.id, await picture(world, mika))
    await world.work()

    await world.app.mechanisms.update_mechanism(mika, made.id, trim=TrimChange(Trim(start_ms=500)))
    kinds = [job.kind for job in await world.work()]

    assert kinds.index(JobKind.PROCESS_MECHANISM_FILE) < kinds.index(JobKind.DRAW_THUMBNAIL)
    assert (await world.stored(made.id)).original.own_thumbnail is not None


async def test_a_picture_that_cannot_be_drawn_fails_with_a_reason(world, mika):
    made = await processed(world, mika)
    world.media.faults = [MediaRejected(ProcessingFailure(code=FailureCode.UNREADABLE), permanent=True)]

    sent = await picture(world, mika)
    await world.app.thumbnails.choose_own_thumbnail(mika, made.id, sent)
    await world.work()

    after = await world.stored(made.id)
    assert after.original.own_thumbnail is None
    assert after.original.thumbnail_failure.code is FailureCode.UNREADABLE
    assert after.thumbnail_url == made.thumbnail_url
    assert sent.key not in await world.keys()


async def test_only_pictures_are_taken_for_thumbnails(world, mika):
    with pytest.raises(UnsupportedThumbnail):
        await picture(world, mika, GIF)


async def test_nobody_sends_a_picture_for_what_they_may_not_edit_or_what_is_not_ready(world, mika):
    ready, waiting = await processed(world, mika), await world.create(mika)

    with pytest.raises(NoThumbnailToChoose):
        await world.app.thumbnails.require_choosable(mika, waiting.id)
    with pytest.raises(MechanismNotFound):
        await world.app.thumbnails.require_choosable(await world.join("other"), ready.id)


@pytest.mark.parametrize(("wished", "shown"), [(1.5, 1.5), (60, 2.4)])
async def test_the_moment_of_the_thumbnail_is_chosen_when_uploading(world, mika, wished, shown):
    made = await world.create(mika, thumbnail_at=wished)
    assert JobKind.DRAW_THUMBNAIL in [job.kind for job in await world.work()]

    after = await world.stored(made.id)
    assert (after.media.thumbnail_at, after.original.thumbnail_at) == (shown, None)


@pytest.mark.parametrize(
    ("content", "at"), [(PNG, 1), (GIF, -1), (GIF, float("nan"))], ids=["picture", "before", "nan"]
)
async def test_a_moment_that_no_clip_has_is_refused_when_uploading(world, mika, content, at):
    with pytest.raises(InvalidField):
        await world.create(mika, content=content, thumbnail_at=at)
