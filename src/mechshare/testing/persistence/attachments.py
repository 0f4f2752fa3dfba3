"""The contract suite of databases: attachments."""

import asyncio
from dataclasses import replace

import pytest

from mechshare.domain.attachments import Attachment
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import AttachmentId, MechanismId
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def an_attachment(mechanism_id: MechanismId, position: int = 0) -> Attachment:
    id = AttachmentId(new_id())
    return Attachment(
        id=id,
        mechanism_id=mechanism_id,
        key=f"originals/{id}.bin",
        name="歯車.step",
        size=5_000_000_000,
        sha256="0" * 64,
        content_type="model/step",
        caption="寸法",
        position=position,
        created_at=NOW,
    )


async def a_stored_mechanism(database: Database) -> MechanismId:
    (mechanism,) = await save_mechanisms(database, a_mechanism(await save_user(database)))
    return mechanism.id


async def test_attachments_are_found_in_their_order_changed_and_deleted(database: Database) -> None:
    id, other = await a_stored_mechanism(database), await a_stored_mechanism(database)
    second, first = an_attachment(id, 1), an_attachment(id, 0)
    async with database.begin() as tx:
        for one in (second, first, an_attachment(other)):
            await tx.attachments.add(one)
    async with database.read() as tx:
        assert await tx.attachments.find_of(id) == (first, second)
        assert await tx.attachments.find_by_id(second.id) == second
        assert await tx.attachments.find_by_id(AttachmentId(new_id())) is None
    failure = ProcessingFailure(code=FailureCode.UNREADABLE, detail="0 triangles")
    changed = replace(
        first, caption="", position=2, thumbnail_key="media/m/1-a.webp", thumbnail_failure=failure
    )
    async with database.begin() as tx:
        await tx.attachments.save(replace(changed, name="other"))
        assert await tx.attachments.find_of(id) == (second, changed)
        await tx.attachments.delete(second.id)
        await tx.attachments.delete(second.id)
        assert await tx.attachments.find_of(id) == (changed,)


async def test_attachments_need_their_mechanism_and_end_with_it(database: Database) -> None:
    id = await a_stored_mechanism(database)
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.attachments.add(an_attachment(MechanismId(new_id())))
    async with database.begin() as tx:
        await tx.attachments.add(an_attachment(id))
        mechanism = await tx.mechanisms.find_by_id(id)
        assert mechanism is not None
        await tx.mechanisms.delete(id, mechanism.version)
    async with database.read() as tx:
        assert await tx.attachments.find_of(id) == ()


async def test_transactions_that_lock_the_attachments_number_them_one_after_another(
    database: Database,
) -> None:
    id = await a_stored_mechanism(database)

    async def append() -> None:
        async with database.begin() as tx:
            await tx.attachments.lock(id)
            await tx.attachments.add(an_attachment(id, len(await tx.attachments.find_of(id))))

    async with bounded():
        await asyncio.gather(*(append() for _ in range(4)))
    async with database.read() as tx:
        assert [one.position for one in await tx.attachments.find_of(id)] == [0, 1, 2, 3]


async def test_models_without_a_thumbnail_are_found_page_by_page(database: Database) -> None:
    id = await a_stored_mechanism(database)
    models = [replace(an_attachment(id, place), content_type="model/stl") for place in range(4)]
    drawn, failed, *undrawn = sorted(models, key=lambda one: one.id)
    failure = ProcessingFailure(code=FailureCode.UNREADABLE, detail="0 triangles")
    async with database.begin() as tx:
        for one in (*undrawn, drawn, failed, an_attachment(id)):
            await tx.attachments.add(one)
        await tx.attachments.save(replace(drawn, thumbnail_key="media/m/1-a.webp"))
        await tx.attachments.save(replace(failed, thumbnail_failure=failure))
    async with database.read() as tx:
        [first] = await tx.attachments.find_undrawn(None, limit=1)
        assert [first, *await tx.attachments.find_undrawn(first.id, limit=9)] == undrawn
        assert list(await tx.attachments.find_undrawn(undrawn[-1].id, limit=9)) == []
