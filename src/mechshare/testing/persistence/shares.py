"""The contract of repositories of shares, and of the lists that depend on them."""

from datetime import timedelta
from typing import Any

import pytest

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.groups import Group
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.shares import Access, Recipient, Share, group_recipient, user_recipient
from mechshare.domain.users import User
from mechshare.domain.visibility import EVERYTHING, PUBLIC_SCOPE, ListScope, Visibility
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.groups import a_group, a_membership
from mechshare.testing.persistence.values import (
    NOW,
    a_category,
    a_mechanism,
    save_categories,
    save_mechanisms,
    save_user,
)


def a_share(mechanism: Mechanism, recipient: Recipient, access: Access = Access.READ) -> Share:
    return Share(
        mechanism_id=mechanism.id,
        recipient=recipient,
        access=access,
        shared_by=mechanism.user_id,
        shared_at=NOW,
    )


async def save_shares(database: Database, *shares: Share) -> None:
    async with database.begin() as tx:
        for share in shares:
            await tx.shares.put(share)


async def save_group(database: Database, *members: User) -> Group:
    async with database.begin() as tx:
        group = await tx.groups.save(a_group())
        for member in members:
            await tx.memberships.put(a_membership(group, member))
    return group


async def test_shares_are_found_by_mechanism_and_replaced_by_recipient(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    one, two = await save_mechanisms(database, a_mechanism(user), a_mechanism(user))
    group = await save_group(database, other)
    to_user = a_share(one, user_recipient(other.id))
    to_group = a_share(one, group_recipient(group.id), Access.EDIT)
    await save_shares(database, a_share(one, to_user.recipient, Access.EDIT), to_user, to_group)
    await save_shares(database, a_share(two, to_user.recipient))
    async with database.read() as tx:
        assert list(await tx.shares.find_all([one.id])) == [to_group, to_user]
        assert [share.mechanism_id for share in await tx.shares.find_all([two.id, one.id])] == sorted(
            [one.id, one.id, two.id]
        )
        assert list(await tx.shares.find_all([])) == []


async def test_a_share_needs_an_existing_mechanism(database: Database) -> None:
    user = await save_user(database)
    with pytest.raises(MechanismNotFound):
        await save_shares(database, a_share(a_mechanism(user), user_recipient(user.id)))


async def test_access_is_the_most_that_any_share_allows(database: Database) -> None:
    owner, reader, outsider = [await save_user(database) for _ in range(3)]
    mechanisms = await save_mechanisms(database, *(a_mechanism(owner) for _ in range(4)))
    read, edit, by_group, unshared = mechanisms
    group = await save_group(database, reader)
    await save_shares(
        database,
        a_share(read, user_recipient(reader.id)),
        a_share(edit, user_recipient(reader.id)),
        a_share(edit, group_recipient(group.id), Access.EDIT),
        a_share(by_group, group_recipient(group.id)),
    )
    ids = [one.id for one in mechanisms]
    async with database.read() as tx:
        assert dict(await tx.shares.find_access(reader.id, ids)) == {
            read.id: Access.READ,
            edit.id: Access.EDIT,
            by_group.id: Access.READ,
        }
        assert dict(await tx.shares.find_access(reader.id, [unshared.id])) == {}
        assert dict(await tx.shares.find_access(outsider.id, ids)) == {}


async def test_a_share_with_a_user_gives_no_access_to_a_group_of_the_same_id(database: Database) -> None:
    owner, member = await save_user(database), await save_user(database)
    (one,) = await save_mechanisms(database, a_mechanism(owner))
    group = await save_group(database, member)
    await save_shares(database, a_share(one, user_recipient(owner.id)))
    async with database.begin() as tx:
        await tx.shares.put(a_share(one, Recipient(kind=user_recipient(owner.id).kind, id=group.id)))
    async with database.read() as tx:
        assert dict(await tx.shares.find_access(member.id, [one.id])) == {}


async def test_shares_end_one_by_one_with_their_recipient_and_with_the_mechanism(database: Database) -> None:
    owner, reader = await save_user(database), await save_user(database)
    one, two = await save_mechanisms(database, a_mechanism(owner), a_mechanism(owner))
    recipient = user_recipient(reader.id)
    await save_shares(database, a_share(one, recipient), a_share(two, recipient))
    async with database.begin() as tx:
        assert await tx.shares.delete(one.id, recipient)
        assert not await tx.shares.delete(one.id, recipient)
    assert await _shared(database, one, two) == [two.id]
    await save_shares(database, a_share(one, recipient), a_share(one, user_recipient(owner.id)))
    async with database.begin() as tx:
        await tx.shares.delete_for(recipient)
    assert await _shared(database, one, two) == [one.id]
    async with database.begin() as tx:
        await tx.mechanisms.delete(one.id, one.version)
    assert await _shared(database, one, two) == []


async def _shared(database: Database, *mechanisms: Mechanism) -> list[MechanismId]:
    async with database.read() as tx:
        return [share.mechanism_id for share in await tx.shares.find_all([one.id for one in mechanisms])]


class Listed:
    """Mechanisms of every visibility, of the reader and of others, with the names of those that a reader's list has."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.names: dict[MechanismId, str] = {}

    async def fill(self) -> None:
        self.owner, self.reader = await save_user(self.database), await save_user(self.database)
        await save_categories(self.database, "gears")
        self.group = await save_group(self.database, self.reader)
        foreign = await save_group(self.database, self.owner)
        shared = {
            "shared": user_recipient(self.reader.id),
            "by group": group_recipient(self.group.id),
            "elsewhere": group_recipient(foreign.id),
        }
        for visibility in Visibility:
            await self._add(f"{visibility} of other", self.owner, visibility)
            await self._add(f"{visibility} of reader", self.reader, visibility)
            await self._add(f"draft {visibility}", self.owner, visibility, is_published=False)
            for name, recipient in shared.items():
                added = await self._add(f"{visibility} {name}", self.owner, visibility)
                await save_shares(self.database, a_share(added, recipient))
        draft = await self._add("draft shared", self.owner, Visibility.PRIVATE, is_published=False)
        await save_shares(self.database, a_share(draft, shared["shared"], Access.EDIT))

    async def _add(self, name: str, user: User, visibility: Visibility, **changes: Any) -> Mechanism:
        number = len(self.names)
        mechanism = a_mechanism(
            user,
            title=f"gear {number:02}",
            visibility=visibility,
            created_at=NOW + timedelta(seconds=number),
            updated_at=NOW - timedelta(seconds=number % 5),
            categories=("gears",),
            **changes,
        )
        (saved,) = await save_mechanisms(self.database, mechanism)
        self.names[saved.id] = name
        return saved

    async def found(self, scope: ListScope, *, size: int = 3, **options: Any) -> list[str]:
        """Walks the list by cursors; each page is also read by its number."""
        names: list[str] = []
        sort = options.get("sort", MechanismSort.NEWEST)
        request: PageRequest | None = PageRequest(limit=size)
        async with self.database.read() as tx:
            while request is not None:
                page = await tx.mechanisms.find_all(request, scope=scope, **options)
                number = len(names) // size + 1
                same = await tx.mechanisms.find_all(
                    PageRequest(page=number, limit=size), scope=scope, **options
                )
                assert same.items == page.items, sort
                names += [self.names[item.mechanism.id] for item in page.items]
                request = PageRequest(limit=size, after=page.next) if page.next else None
            assert page.total == len(names)
        return names


FOR_EVERYBODY = {f"public {rest}" for rest in ("of other", "of reader", "shared", "by group", "elsewhere")}
FOR_READER = (
    FOR_EVERYBODY
    | {name.replace("public", "internal") for name in FOR_EVERYBODY}
    | {"private of reader", "private shared", "private by group"}
)


@pytest.mark.parametrize("sort", list(MechanismSort))
async def test_a_readers_list_has_what_is_published_for_them_in_order(
    database: Database, sort: MechanismSort
) -> None:
    listed = Listed(database)
    await listed.fill()
    everything = await listed.found(EVERYTHING, sort=sort)
    reader = ListScope(reader=listed.reader.id)
    found = await listed.found(reader, sort=sort)
    assert set(found) == FOR_READER
    assert found == [name for name in everything if name in FOR_READER]
    assert set(await listed.found(PUBLIC_SCOPE, sort=sort)) == FOR_EVERYBODY
    assert set(await listed.found(ListScope(reader=listed.owner.id))) >= {
        "private elsewhere",
        "private of other",
    }


async def test_a_readers_list_is_narrowed_counted_and_searched(database: Database) -> None:
    listed = Listed(database)
    await listed.fill()
    reader = ListScope(reader=listed.reader.id)
    of_reader = MechanismFilter(user_id=listed.reader.id)
    in_gears = MechanismFilter(category_ids=("gears",))  # type: ignore[arg-type]
    mine = {"public of reader", "internal of reader", "private of reader"}
    assert set(await listed.found(reader, filter=of_reader)) == mine
    assert set(await listed.found(reader, filter=in_gears)) == FOR_READER
    assert set(await listed.found(PUBLIC_SCOPE, filter=in_gears)) == FOR_EVERYBODY
    assert set(await listed.found(reader, words=["gear"])) == FOR_READER
    assert set(await listed.found(reader, words=["gear"], filter=of_reader)) == mine
    async with database.read() as tx:
        assert await tx.mechanisms.count(scope=reader) == len(FOR_READER)
        assert await tx.mechanisms.count() == len(FOR_EVERYBODY)


async def test_the_counts_of_categories_add_up_to_the_list_of_each_reader(database: Database) -> None:
    listed = Listed(database)
    await listed.fill()
    readers = (listed.reader, listed.owner, await save_user(database))
    async with database.read() as tx:
        (gears,) = await tx.categories.find_counts()
        assert gears.mechanism_count == len(FOR_EVERYBODY)
        internal = (await tx.categories.count_restricted())[gears.category.id]
        for reader in readers:
            private = (await tx.categories.count_restricted(reader.id)).get(gears.category.id, 0)
            total = await tx.mechanisms.count(scope=ListScope(reader=reader.id))
            assert gears.mechanism_count + internal + private == total
        assert await tx.categories.count_restricted(readers[-1].id) == {}


async def test_a_reader_counts_a_mechanism_in_several_categories_of_a_family_once(database: Database) -> None:
    owner, reader = await save_user(database), await save_user(database)
    await save_categories(database, "gears", "cams")
    async with database.begin() as tx:
        await tx.categories.save(a_category("spur-gears", parent_id=CategoryId("gears")))
    both = {"categories": ("gears", "spur-gears")}
    _, private = await save_mechanisms(
        database,
        a_mechanism(owner, visibility=Visibility.INTERNAL, **both),
        a_mechanism(owner, visibility=Visibility.PRIVATE, **both),
    )
    group = await save_group(database, reader)
    for recipient in (user_recipient(reader.id), group_recipient(group.id)):
        await save_shares(database, a_share(private, recipient))
    async with database.read() as tx:
        for counts in (
            await tx.categories.count_restricted(),
            await tx.categories.count_restricted(owner.id),
            await tx.categories.count_restricted(reader.id),
        ):
            assert counts == {"gears": 1, "spur-gears": 1}


async def test_who_leaves_a_group_no_longer_finds_what_is_shared_with_it(database: Database) -> None:
    listed = Listed(database)
    await listed.fill()
    async with database.begin() as tx:
        await tx.memberships.delete(listed.group.id, listed.reader.id)
    found = await listed.found(ListScope(reader=listed.reader.id))
    assert set(found) == FOR_READER - {"private by group"}


async def test_bulk_changes_keep_the_audience(database: Database) -> None:
    user, reader = await save_user(database), await save_user(database)
    internal, public = await save_mechanisms(
        database, a_mechanism(user, visibility=Visibility.INTERNAL), a_mechanism(user)
    )
    async with database.begin() as tx:
        assert set(await tx.mechanism_bulk.withdraw([internal.id, public.id], "r", NOW)) == {
            internal.id,
            public.id,
        }
    async with database.read() as tx:
        assert (await tx.mechanisms.find_all(PageRequest(), scope=ListScope(reader=reader.id))).items == ()
    async with database.begin() as tx:
        await tx.mechanism_bulk.reinstate([internal.id, public.id], "r", NOW)
    async with database.read() as tx:
        page = await tx.mechanisms.find_all(PageRequest(), scope=ListScope(reader=reader.id))
        assert {item.mechanism.id for item in page.items} == {internal.id, public.id}
        assert [item.mechanism.id for item in (await tx.mechanisms.find_all(PageRequest())).items] == [
            public.id
        ]
