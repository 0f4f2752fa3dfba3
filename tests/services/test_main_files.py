"""Main files that are replaced: what stays, what goes, and what a failure changes."""

import pytest

from mechshare.domain.errors import StaleVersion
from mechshare.domain.main_files import NoFileToReplace
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.processing import ProcessingState
from mechshare.ports.media import MediaRejected
from tests.services.world import GIF, HERE, chunks

OTHER = GIF + b"\0 other"


@pytest.fixture
async def mika(world):
    return await world.join("mika")


async def processed(world, actor):
    made = await world.create(actor)
    await world.work()
    return (await world.app.mechanisms.publish(actor, made.id)).mechanism


async def test_a_file_that_fails_leaves_the_present_one_and_says_why(world, mika):
    made = await processed(world, mika)
    files = await world.keys()
    world.media.faults = [MediaRejected(ProcessingFailure(code=FailureCode.UNREADABLE), permanent=True)]

    sent = await world.app.uploads.receive(mika, chunks(OTHER), "other.gif")
    await world.app.main_files.replace_file(mika, made.id, sent)
    await world.work()

    after = await world.stored(made.id)
    assert after.processing.state is ProcessingState.READY
    assert after.original.replacement is None
    assert after.original.replacement_failure.code is FailureCode.UNREADABLE
    assert (after.original.key, after.file_url, after.is_published) == (
        made.original.key,
        made.file_url,
        True,
    )
    assert sorted(await world.keys()) == sorted(files)
    assert len(await world.app.revisions.find_revisions(mika, made.id)) == 1


async def replaced(world, actor):
    """Returns a mechanism whose title and main file have changed, before the change, and the new file."""
    made = await processed(world, actor)
    sent = await world.app.uploads.receive(actor, chunks(OTHER), "other.gif")
    await world.app.main_files.replace_file(actor, made.id, sent)
    await world.work()
    await world.app.mechanisms.update_mechanism(actor, made.id, title="新しい歯車")
    return made, sent


async def test_a_restored_revision_shows_its_texts_together_with_its_file(world, mika):
    made, sent = await replaced(world, mika)
    await world.app.main_files.restore_revision(mika, made.id, 1)
    waiting = await world.stored(made.id)
    assert (waiting.title, waiting.original.key) == ("新しい歯車", sent.key)

    await world.work()
    after = await world.stored(made.id)
    assert (after.title, after.original.key) == (made.title, made.original.key)
    newest, before, *_ = await world.app.revisions.find_revisions(mika, made.id)
    assert (newest.changed, before.content.title) == (("title", "file"), "新しい歯車")


async def test_texts_that_are_stated_while_a_former_file_is_processed_stay(world, mika):
    made, _ = await replaced(world, mika)
    await world.app.main_files.restore_revision(mika, made.id, 1)
    await world.app.mechanisms.update_mechanism(mika, made.id, title="最新の歯車")
    await world.work()
    after = await world.stored(made.id)
    assert (after.title, after.original.key) == ("最新の歯車", made.original.key)


async def test_a_revision_whose_file_fails_changes_neither_the_texts_nor_the_file(world, mika):
    made, sent = await replaced(world, mika)
    files = await world.keys()
    world.media.faults = [MediaRejected(ProcessingFailure(code=FailureCode.UNREADABLE), permanent=True)]

    await world.app.main_files.restore_revision(mika, made.id, 1)
    await world.work()

    after = await world.stored(made.id)
    assert (after.title, after.original.key) == ("新しい歯車", sent.key)
    assert after.original.replacement_failure.code is FailureCode.UNREADABLE
    assert sorted(await world.keys()) == sorted(files)
    former = await world.app.media.find_former_file(mika, made.id, 1)
    assert former.key == made.original.key


async def test_a_file_waits_for_the_one_before_and_for_the_present_version(world, mika):
    made = await processed(world, mika)
    with pytest.raises(StaleVersion):
        await world.app.main_files.require_replaceable(mika, made.id, (made.version - 1,))
    sent = await world.app.uploads.receive(mika, chunks(OTHER), "other.gif")
    await world.app.main_files.replace_file(mika, made.id, sent, versions=(made.version,))
    with pytest.raises(NoFileToReplace):
        await world.app.main_files.require_replaceable(mika, made.id, None)


async def test_a_deleted_mechanism_takes_its_former_files_along(world, mika):
    made = await processed(world, mika)
    sent = await world.app.uploads.receive(mika, chunks(OTHER), "other.gif")
    await world.app.main_files.replace_file(mika, made.id, sent)
    await world.work()
    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    await world.work()
    assert await world.keys() == []
