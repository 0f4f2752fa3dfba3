"""Attachments count against the quota, and their files are deleted with them."""

import asyncio

import pytest

from mechshare.domain.attachments import MAX_ATTACHMENTS, Attachment, TooManyAttachments
from mechshare.domain.errors import MechanismNotFound, UnauthorizedOperation
from mechshare.domain.ids import MechanismId
from mechshare.domain.users import Actor
from tests.services.world import HERE, World, chunks

STEP = b"ISO-10303-21;" * 100


async def attach(world: World, actor: Actor, id: MechanismId) -> Attachment:
    file = await world.app.uploads.receive_attachment(actor, chunks(STEP), "a.step")
    return await world.app.attachments.add(actor, id, file)


async def used(world: World, actor: Actor) -> int:
    return (await world.app.storage_quotas.get_quota(actor.id)).bytes_used


async def test_an_attachment_counts_in_the_quota_until_it_is_removed(world):
    mika = await world.join("mika")
    made = await world.external(mika)

    first, second = [await attach(world, mika, made.id) for _ in range(2)]

    assert await used(world, mika) == 2 * len(STEP)
    await world.app.attachments.remove(mika, made.id, first.id)
    await world.work()
    assert await used(world, mika) == len(STEP)
    assert await world.keys() == [second.key]


async def test_attachments_are_deleted_with_their_mechanism(world):
    mika = await world.join("mika")
    made = await world.create(mika)
    await attach(world, mika, made.id)

    await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
    await world.work()

    assert await world.keys() == []
    assert await used(world, mika) == 0


async def test_only_the_owner_and_admins_attach(world):
    mika, other = await world.join("mika"), await world.join("other")
    hidden, public = await world.external(mika), await world.published(mika)
    file = await world.app.uploads.receive_attachment(other, chunks(STEP), "a.step")

    for id, error in ((hidden.id, MechanismNotFound), (public.id, UnauthorizedOperation)):
        with pytest.raises(error):
            await world.app.attachments.add(other, id, file)
        with pytest.raises(error):
            await world.app.attachments.require_room(other, id)


async def test_files_that_arrive_together_never_exceed_the_limit(world):
    mika = await world.join("mika")
    made = await world.external(mika)
    for _ in range(MAX_ATTACHMENTS - 2):
        await attach(world, mika, made.id)

    outcomes = await asyncio.gather(*(attach(world, mika, made.id) for _ in range(4)), return_exceptions=True)

    assert sum(isinstance(one, TooManyAttachments) for one in outcomes) == 2
    positions = [one.position for one in await world.app.attachments.find_all(mika, made.id)]
    assert positions == list(range(MAX_ATTACHMENTS))
