"""The contract suite of databases: former revisions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.main_files import main_file_of
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import MediaFormat
from mechshare.domain.named_values import values_in
from mechshare.domain.originals import OriginalFile
from mechshare.domain.revisions import Content, FormerRevision
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def a_revision(mechanism: Mechanism, number: int) -> FormerRevision:
    content = Content(
        title=f"歯車 {number}",
        description="",
        parameters=values_in("parameters", f"stroke = {number} mm\n材質 = S45C"),
        license="MIT" if number % 2 else None,
    )
    return FormerRevision(
        mechanism_id=mechanism.id,
        number=number,
        content=content,
        last_version=3 * number,
        was_published=number % 2 > 0,
        replaced_by=mechanism.user_id,
        replaced_at=NOW + timedelta(seconds=number),
    )


async def test_former_revisions_are_read_oldest_first_until_they_are_pruned(database: Database) -> None:
    mika = await save_user(database)
    mechanism, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    former = [a_revision(mechanism, number) for number in (1, 2, 3)]
    async with database.begin() as tx:
        for revision in (former[1], former[0], former[2], a_revision(other, 1)):
            await tx.revisions.add(revision)
    async with database.read() as tx:
        assert list(await tx.revisions.find_former(mechanism.id)) == former
        assert list(await tx.revisions.find_last_versions(mechanism.id)) == [(1, 3), (2, 6), (3, 9)]
        assert list(await tx.revisions.find_former(MechanismId(new_id()))) == []
    async with database.begin() as tx:
        await tx.revisions.prune(mechanism.id, 3)
    async with database.read() as tx:
        assert list(await tx.revisions.find_former(mechanism.id)) == former[2:]
        assert list(await tx.revisions.find_former(other.id)) == [a_revision(other, 1)]


async def test_a_former_file_stays_with_its_revision_until_it_is_dropped(database: Database) -> None:
    mika = await save_user(database)
    mechanism, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    original = OriginalFile(
        key="originals/a.gif", format=MediaFormat.GIF, size=1, sha256="a", name="歯車.gif"
    )
    file = main_file_of(replace(mechanism, original=original), ("media/a/1-a.webp",))
    with_file = replace(a_revision(mechanism, 1), main_file=file)
    async with database.begin() as tx:
        for revision in (with_file, a_revision(mechanism, 2), a_revision(other, 1)):
            await tx.revisions.add(revision)
    async with database.read() as tx:
        assert list(await tx.revisions.find_former(mechanism.id)) == [with_file, a_revision(mechanism, 2)]
        assert list(await tx.revisions.find_with_files()) == [mechanism.id]
    async with database.begin() as tx:
        await tx.revisions.drop_file(mechanism.id, 1)
    async with database.read() as tx:
        assert next(iter(await tx.revisions.find_former(mechanism.id))) == a_revision(mechanism, 1)
        assert list(await tx.revisions.find_with_files()) == []


async def test_a_revision_needs_its_mechanism_and_ends_with_it(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    revision = a_revision(mechanism, 1)
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.revisions.add(replace(revision, mechanism_id=MechanismId(new_id())))
    async with database.begin() as tx:
        await tx.revisions.add(revision)
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.revisions.add(revision)
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
    async with database.read() as tx:
        assert list(await tx.revisions.find_former(mechanism.id)) == []
