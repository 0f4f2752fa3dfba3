"""The contract suite of databases: blob references."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.blobs import (
    DERIVATIVES,
    BlobFacts,
    BlobReference,
    BlobRole,
    Damage,
    OwnerKind,
    derivative_prefix,
)
from mechshare.domain.ids import MechanismId
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, new_id

_SHA256 = "ab" * 32


def a_reference(key: str, owner_id: str = "", **changes: object) -> BlobReference:
    reference = BlobReference(
        key=key,
        owner_kind=OwnerKind.MECHANISM,
        owner_id=owner_id or new_id(),
        role=BlobRole.ORIGINAL,
        size=5_000_000_000,
        sha256=_SHA256,
        created_at=NOW,
        user_id=None,
    )
    return replace(reference, **changes)  # type: ignore[arg-type]


def files_of(owner_id: str) -> list[BlobReference]:
    """Returns one blob reference in each role, in key order."""
    prefix = derivative_prefix(MechanismId(owner_id))
    derived = [a_reference(f"{prefix}1-{role.value}", owner_id, role=role) for role in sorted(DERIVATIVES)]
    return [*derived, a_reference(f"originals/{owner_id}.gif", owner_id)]


async def save_references(database: Database, references: Sequence[BlobReference]) -> None:
    async with database.begin() as tx:
        await tx.blob_references.add(references)


async def find_each(database: Database, *keys: str) -> list[BlobReference | None]:
    async with database.read() as tx:
        return [await tx.blob_references.find_by_key(key) for key in keys]


async def test_a_reference_is_found_by_its_key_as_it_was_stored(database: Database) -> None:
    known, unmeasured = a_reference("originals/a.gif"), a_reference("media/a.mp4", size=None, sha256=None)
    await save_references(database, [known, unmeasured])
    await save_references(database, [])
    assert await find_each(database, known.key, unmeasured.key, "originals/b.gif") == [
        known,
        unmeasured,
        None,
    ]


async def test_a_file_belongs_to_one_owner(database: Database) -> None:
    first = a_reference("originals/a.gif")
    await save_references(database, [first])
    with pytest.raises(RuntimeError):
        await save_references(database, [a_reference("originals/b.gif"), a_reference(first.key)])
    assert await find_each(database, first.key, "originals/b.gif") == [first, None]


async def test_referenced_keys_are_found_among_many(database: Database) -> None:
    keys = [f"originals/{number}.gif" for number in range(1_000)]
    await save_references(database, [a_reference(key) for key in keys[::2]])
    async with database.read() as tx:
        assert await tx.blob_references.find_referenced(keys) == frozenset(keys[::2])
        assert await tx.blob_references.find_referenced(["originals/x.gif"]) == frozenset()
        assert await tx.blob_references.find_referenced([]) == frozenset()


async def test_unmeasured_files_are_found_in_key_order(database: Database) -> None:
    keys = ["a/1", "a/10", "a/2", "a-b/1", "a_b/1", "ab/1"]
    measured = a_reference("a/3")
    await save_references(
        database, [measured, *(a_reference(key, size=None, sha256=None) for key in reversed(keys))]
    )
    async with database.read() as tx:
        first = await tx.blob_references.find_unmeasured(limit=4)
        rest = await tx.blob_references.find_unmeasured(limit=4, after=first[-1].key)
        assert await tx.blob_references.find_unmeasured(limit=4, after=rest[-1].key) == ()
    assert [one.key for one in (*first, *rest)] == sorted(keys)


async def test_a_file_is_measured_once(database: Database) -> None:
    unmeasured = a_reference("media/a.mp4", size=None, sha256=None)
    measured = a_reference("media/b.mp4")
    await save_references(database, [unmeasured, measured])
    for size in (7, 8):
        async with database.begin() as tx:
            for key in (unmeasured.key, measured.key, "media/nobodys.mp4"):
                await tx.blob_references.set_facts(BlobFacts(key=key, size=size, sha256="cd" * 32))
    assert await find_each(database, unmeasured.key, measured.key, "media/nobodys.mp4") == [
        replace(unmeasured, size=7, sha256="cd" * 32),
        measured,
        None,
    ]
    async with database.read() as tx:
        assert await tx.blob_references.find_unmeasured(limit=1) == ()


async def test_deleting_the_references_of_owners_returns_them(database: Database) -> None:
    owners = [new_id() for _ in range(3)]
    files = [files_of(owner) for owner in owners]
    await save_references(database, [one for some in files for one in some])

    async with database.begin() as tx:
        deleted = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [*owners[:2], new_id(), "no-id"])
        again = await tx.blob_references.delete_of(OwnerKind.MECHANISM, owners[:2])
        of_none = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [])

    assert deleted == tuple(sorted([*files[0], *files[1]], key=lambda one: one.key))
    assert (again, of_none) == ((), ())
    keys = [one.key for some in files for one in some]
    async with database.read() as tx:
        left = await tx.blob_references.find_referenced(keys)
    assert left == {one.key for one in files[2]}


async def test_references_are_deleted_by_their_role(database: Database) -> None:
    owner = new_id()
    *derived, original = files_of(owner)
    await save_references(database, [*derived, original])
    async with database.begin() as tx:
        deleted = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [owner], roles=DERIVATIVES)
    assert deleted == tuple(derived)
    assert await find_each(database, original.key, derived[0].key) == [original, None]


async def test_references_are_listed_by_key_page_by_page(database: Database) -> None:
    first, second, third = (a_reference(f"originals/{name}.gif") for name in "abc")
    await save_references(database, [third, first, second])
    async with database.read() as tx:
        assert await tx.blob_references.find_page(limit=2) == (first, second)
        assert await tx.blob_references.find_page(limit=2, after=second.key) == (third,)


async def test_files_to_verify_come_never_verified_first_then_longest_ago(database: Database) -> None:
    day = timedelta(days=1)
    new, old, oldest = (
        a_reference(f"originals/{name}.gif", verified_at=NOW - days * day)
        for name, days in (("a", 1), ("b", 40), ("c", 50))
    )
    never = a_reference("originals/d.gif")
    await save_references(database, [new, old, oldest, never])
    async with database.read() as tx:
        find = tx.blob_verifications.find_unverified
        assert await find(NOW - 30 * day, limit=10) == (never, oldest, old)
        assert await find(NOW - 30 * day, limit=2) == (never, oldest)
        assert await find(NOW - 30 * day, limit=1) == (never,)


async def test_the_result_of_a_verification_is_stored(database: Database) -> None:
    reference, other = a_reference("originals/a.gif"), a_reference("originals/b.gif")
    await save_references(database, [reference, other])
    async with database.begin() as tx:
        await tx.blob_verifications.set_verified(reference.key, NOW, Damage.ALTERED)
        await tx.blob_verifications.set_verified("originals/absent.gif", NOW, None)
    damaged = replace(reference, verified_at=NOW, damage=Damage.ALTERED)
    async with database.read() as tx:
        assert await tx.blob_verifications.find_damaged(limit=10) == (damaged,)
        assert await tx.blob_verifications.find_unverified(NOW, limit=10) == (other,)
    async with database.begin() as tx:
        await tx.blob_verifications.set_verified(reference.key, NOW, None)
    async with database.read() as tx:
        assert await tx.blob_verifications.find_damaged(limit=10) == ()
