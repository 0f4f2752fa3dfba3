"""The contract of traffic and counts."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.marks import Mark, MarkKind
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.notifications import Notification, NotificationId, NotificationKind
from mechshare.domain.pagination import PageRequest
from mechshare.domain.statistics import Counts, DailyTraffic, Days, Traffic, popularity_of
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import (
    NOW,
    a_mechanism,
    new_id,
    save_categories,
    save_mechanisms,
    save_user,
)

DAY = date(2026, 3, 1)
ALL_DAYS = Days(first=DAY - timedelta(days=30), last=DAY + timedelta(days=30))


def a_notification(user: User, mechanism: Mechanism) -> Notification:
    return Notification(
        id=NotificationId(new_id()),
        user_id=user.id,
        kind=NotificationKind.MENTION,
        mechanism_id=mechanism.id,
        actor_id=None,
        subject="",
        created_at=NOW,
    )


def some_traffic(mechanism: Mechanism, day: date = DAY, **numbers: int) -> DailyTraffic:
    return DailyTraffic(mechanism_id=mechanism.id, day=day, **numbers)


async def add_traffic(database: Database, *traffic: DailyTraffic) -> None:
    """Adds the traffic, and counts again."""
    async with database.begin() as tx:
        await tx.traffic.add(traffic)
        await tx.counts.recount([one.mechanism_id for one in traffic])


async def like(database: Database, user: User, mechanism: Mechanism) -> None:
    async with database.begin() as tx:
        await tx.mechanisms.find_by_id(mechanism.id)
        mark = Mark(mechanism_id=mechanism.id, user_id=user.id, kind=MarkKind.LIKE, created_at=NOW)
        await tx.marks.add(mark)
        await tx.counts.mark_stale(mechanism.id)


async def recount(database: Database) -> list[MechanismId]:
    """Counts what is stale, and returns it."""
    async with database.begin() as tx:
        stale = list(await tx.counts.find_stale(100))
        await tx.counts.recount(stale)
    return stale


async def counts_of(database: Database, mechanism: Mechanism) -> Counts:
    async with database.read() as tx:
        found = await tx.mechanisms.find_by_id(mechanism.id)
    assert found is not None
    return found.counts


async def test_traffic_of_a_day_adds_up_and_is_counted_without_a_new_version(database: Database) -> None:
    mika, published = await save_user(database), NOW + timedelta(days=20)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika, published_at=published))
    await add_traffic(database, some_traffic(mechanism, views=3, own_views=1, downloads=1))
    await add_traffic(
        database, some_traffic(mechanism, views=2), some_traffic(mechanism, ALL_DAYS.last, views=4)
    )
    assert await recount(database) == []
    async with database.read() as tx:
        found = await tx.mechanisms.find_by_id(mechanism.id)
        counted = await tx.counts.find([mechanism.id, MechanismId(new_id())])
        days = await tx.traffic.find_days(mechanism.id, ALL_DAYS)
        one_day = await tx.traffic.find_days(mechanism.id, Days(first=DAY, last=DAY))
    counts = Counts(views=9, downloads=1)
    popularity = popularity_of(counts, 1, published)
    assert found == replace(mechanism, counts=replace(counts, popularity=popularity))
    assert counted == {mechanism.id: found.counts}
    first = Traffic(day=DAY, views=5, own_views=1, downloads=1)
    assert list(days) == [first, Traffic(day=ALL_DAYS.last, views=4)]
    assert list(one_day) == [first]


async def test_counts_are_stale_until_they_are_counted(database: Database) -> None:
    mika = await save_user(database)
    first, second = sorted(
        await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika)), key=lambda one: one.id
    )
    await like(database, mika, second)
    await like(database, mika, first)
    await like(database, mika, first)
    async with database.begin() as tx:
        assert list(await tx.counts.find_stale(1)) == [first.id]
    assert await recount(database) == [first.id, second.id]
    assert await recount(database) == []
    assert (await counts_of(database, first)).likes == 1


async def test_a_recount_names_the_categories_and_users_whose_public_lists_show_the_mechanisms(
    database: Database,
) -> None:
    mika, other = await save_user(database), await save_user(database)
    await save_categories(database, "gears", "cams")
    public, draft = await save_mechanisms(
        database,
        a_mechanism(mika, is_published=True, categories=(CategoryId("gears"),)),
        a_mechanism(other, is_published=False, categories=(CategoryId("cams"),)),
    )
    async with database.begin() as tx:
        shown = await tx.counts.recount([draft.id, public.id, MechanismId(new_id())])
        hidden = await tx.counts.recount([draft.id])
    assert set(shown.ids) == {draft.id, public.id}
    assert (set(shown.categories), set(shown.users)) == ({"gears"}, {mika.id})
    assert (set(hidden.categories), set(hidden.users)) == (set(), set())


async def test_a_change_of_the_mechanism_leaves_its_counts(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    await like(database, mika, mechanism)
    await recount(database)
    async with database.begin() as tx:
        await tx.mechanisms.save(mechanism)
    assert (await counts_of(database, mechanism)).likes == 1


async def test_the_likes_of_a_deleted_account_are_no_longer_counted(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    await like(database, other, mechanism)
    await recount(database)
    async with database.begin() as tx:
        await tx.counts.mark_stale_of(other.id)
        await tx.users.delete(other.id)
    assert await recount(database) == [mechanism.id]
    assert (await counts_of(database, mechanism)).likes == 0


async def test_an_account_is_deleted_while_others_notify_its_user(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    (liked,) = await save_mechanisms(database, a_mechanism(mika))
    await like(database, other, liked)
    await recount(database)

    async def delete_account() -> None:
        async with database.begin() as tx:
            await tx.counts.mark_stale_of(other.id)
            await tx.users.find_by_id(other.id)
            await tx.users.delete(other.id)

    async with database.begin() as tx:
        await tx.mechanisms.find_by_id(liked.id)
        deleting = asyncio.create_task(delete_account())
        await asyncio.sleep(0.1)  # time in which the deletion takes the locks that it can get
        await tx.counts.mark_stale(liked.id)
        assert await tx.notifications.add(a_notification(other, liked))
    async with bounded():
        await deleting
    async with database.read() as tx:
        assert await tx.users.find_by_id(other.id) is None


async def test_a_person_whose_account_is_being_deleted_gets_no_notification(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))

    async def mention() -> bool:
        async with database.begin() as tx:
            return await tx.notifications.add(a_notification(other, mechanism))

    async with database.begin() as tx:
        await tx.users.find_by_id(other.id)
        mentioning = asyncio.create_task(mention())
        await asyncio.sleep(0.1)  # time in which an adapter without locks would find the person
        await tx.users.delete(other.id)
    async with bounded():
        assert not await mentioning


async def test_traffic_of_an_absent_mechanism_is_ignored_and_ends_with_it(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    absent = DailyTraffic(mechanism_id=MechanismId(new_id()), day=DAY, views=1)
    await add_traffic(database, absent, some_traffic(mechanism, views=1))
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
    assert await recount(database) == []
    async with database.read() as tx:
        assert list(await tx.traffic.find_days_of_user(mika.id, ALL_DAYS)) == []


async def test_a_user_has_the_sums_of_their_own_mechanisms(database: Database) -> None:
    mika, other = await save_user(database), await save_user(database)
    first, second, foreign = await save_mechanisms(
        database, a_mechanism(mika), a_mechanism(mika), a_mechanism(other)
    )
    await add_traffic(
        database, *(some_traffic(one, views=2, downloads=1) for one in (first, second, foreign))
    )
    await like(database, other, first)
    await recount(database)
    async with database.read() as tx:
        assert await tx.counts.find_totals(mika.id) == Counts(likes=1, views=4, downloads=2)
        assert await tx.counts.find_totals(other.id) == Counts(views=2, downloads=1)
        days = await tx.traffic.find_days_of_user(mika.id, ALL_DAYS)
    assert list(days) == [Traffic(day=DAY, views=4, downloads=2)]


async def test_concurrent_traffic_likes_and_recounts_lose_nothing(database: Database) -> None:
    users = [await save_user(database) for _ in range(3)]
    mechanisms = await save_mechanisms(database, *(a_mechanism(users[0]) for _ in range(2)))
    async with bounded():
        await asyncio.gather(
            *(add_traffic(database, *(some_traffic(one, views=1) for one in mechanisms)) for _ in range(4)),
            *(like(database, user, one) for user in users for one in mechanisms),
            *(recount(database) for _ in range(3)),
        )
    await recount(database)
    for one in mechanisms:
        counts = await counts_of(database, one)
        assert (counts.views, counts.likes) == (4, 3)


async def test_a_walk_in_the_order_of_views_shows_each_mechanism_once(database: Database) -> None:
    mika = await save_user(database)
    made = await save_mechanisms(database, *(a_mechanism(mika, is_published=True) for _ in range(5)))
    for number, one in enumerate(made):
        await add_traffic(database, some_traffic(one, views=number // 2))
    await recount(database)
    for sort in (MechanismSort.VIEWS, MechanismSort.POPULAR):
        async with database.read() as tx:
            first = await tx.mechanisms.find_all(PageRequest(limit=2), sort=sort)
            rest = await tx.mechanisms.find_all(PageRequest(limit=9, after=first.next), sort=sort)
        walked = [item.mechanism for item in (*first.items, *rest.items)]
        assert [one.counts.views for one in walked] == [2, 1, 1, 0, 0]
        assert {one.id for one in walked} == {one.id for one in made}
