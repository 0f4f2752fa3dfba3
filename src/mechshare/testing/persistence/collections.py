"""The contract of collections."""

from datetime import timedelta

import pytest

from mechshare.domain.collections import Collection, CollectionId
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.domain.visibility import EVERYTHING, PUBLIC_SCOPE, ListScope, Visibility
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


async def save_collection(
    database: Database, user: User, visibility: Visibility = Visibility.PUBLIC, hours: int = 0
) -> Collection:
    at = NOW + timedelta(hours=hours)
    new = Collection(
        id=CollectionId(new_id()),
        user_id=user.id,
        title="カム",
        visibility=visibility,
        created_at=at,
        updated_at=at,
    )
    async with database.begin() as tx:
        return await tx.collections.save(new)


async def test_a_collection_is_changed_under_its_version(database: Database) -> None:
    mika = await save_user(database)
    made = await save_collection(database, mika)
    async with database.begin() as tx:
        changed = await tx.collections.save(made.changed(NOW, title="歯車"))
        with pytest.raises(StaleVersion):
            await tx.collections.save(made)
    async with database.read() as tx:
        assert await tx.collections.find_by_id(made.id) == changed
    assert (changed.title, changed.version) == ("歯車", 2)


async def test_collections_of_a_user_are_listed_newest_first_by_visibility(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    public, private, newest = [
        await save_collection(database, mika, visibility, hours)
        for hours, visibility in enumerate((Visibility.PUBLIC, Visibility.PRIVATE, Visibility.PUBLIC))
    ]
    await save_collection(database, other)
    async with database.begin() as tx:
        every = await tx.collections.find_of_user(mika.id, frozenset(Visibility), PageRequest(limit=2))
        rest = await tx.collections.find_of_user(
            mika.id, frozenset(Visibility), PageRequest(limit=2, after=every.next)
        )
        shown = await tx.collections.find_of_user(mika.id, {Visibility.PUBLIC}, PageRequest())
        assert await tx.collections.count_of_user(mika.id) == 3
    assert [*every.items, *rest.items] == [newest, private, public]
    assert (list(shown.items), shown.total) == ([newest, public], 2)


async def test_entries_have_an_order_and_end_with_their_mechanism(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    made, empty = await save_collection(database, mika), await save_collection(database, mika)
    first, second, third = await save_mechanisms(database, *(a_mechanism(other) for _ in range(3)))
    for ids in ([first.id, second.id], [third.id, first.id, second.id]):
        async with database.begin() as tx:
            await tx.collection_entries.replace(made.id, ids)
    async with database.begin() as tx:
        assert await tx.collection_entries.find_ids(made.id) == [third.id, first.id, second.id]
        await tx.mechanisms.delete(third.id, third.version)
        assert await tx.collection_entries.find_ids(made.id) == [first.id, second.id]
        firsts = await tx.collection_entries.find_first([made.id, empty.id], EVERYTHING)
        assert firsts == [(made.id, first.id)]
        assert await tx.collection_entries.find_holding(mika.id, second.id) == [made.id]
        assert await tx.collection_entries.find_holding(other.id, second.id) == []


async def test_the_first_mechanism_is_the_first_in_the_scope(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    made = await save_collection(database, mika)
    draft, private, internal, public = await save_mechanisms(
        database,
        a_mechanism(mika, is_published=False),
        a_mechanism(mika, visibility=Visibility.PRIVATE),
        a_mechanism(mika, visibility=Visibility.INTERNAL),
        a_mechanism(mika),
    )
    async with database.begin() as tx:
        await tx.collection_entries.replace(made.id, [draft.id, private.id, internal.id, public.id])
    async with database.read() as tx:
        for scope, first in (
            (PUBLIC_SCOPE, public),
            (ListScope(reader=other.id), internal),
            (ListScope(reader=mika.id), private),
            (EVERYTHING, draft),
        ):
            assert await tx.collection_entries.find_first([made.id], scope) == [(made.id, first.id)]


async def test_an_entry_needs_its_mechanism(database: Database) -> None:
    made = await save_collection(database, await save_user(database))
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.collection_entries.replace(made.id, [MechanismId(new_id())])


async def test_collections_end_with_the_account_and_mechanisms_stay(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    made, remaining = await save_collection(database, mika), await save_collection(database, other)
    (mechanism,) = await save_mechanisms(database, a_mechanism(other))
    async with database.begin() as tx:
        await tx.collection_entries.replace(made.id, [mechanism.id])
        await tx.users.delete(mika.id)
    async with database.begin() as tx:
        assert await tx.collections.find_by_id(made.id) is None
        assert await tx.collections.find_by_id(remaining.id) == remaining
        assert await tx.mechanisms.find_by_id(mechanism.id) == mechanism
        await tx.collections.delete(remaining.id)
        assert await tx.collections.find_by_id(remaining.id) is None
