"""The contract of notifications, and of what users have muted."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from mechshare.domain.follows import FollowedUser
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import Mark, MarkKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.notifications import Mute, Notification, NotificationId, NotificationKind, UnreadState
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def a_notification(
    user: User,
    mechanism: Mechanism | None = None,
    actor: User | None = None,
    kind: NotificationKind = NotificationKind.COMMENT,
    minutes: int = 0,
) -> Notification:
    return Notification(
        id=NotificationId(new_id()),
        user_id=user.id,
        kind=kind,
        mechanism_id=mechanism.id if mechanism else None,
        actor_id=actor.id if actor else None,
        subject="",
        created_at=NOW + timedelta(minutes=minutes),
    )


async def save_notifications(database: Database, *notifications: Notification) -> None:
    async with database.begin() as tx:
        for notification in notifications:
            await tx.notifications.add(notification)


async def found(database: Database, user: User) -> list[Notification]:
    async with database.read() as tx:
        page = await tx.notifications.find_of_user(user.id, PageRequest())
    return [item.notification for item in page.items]


async def test_notifications_are_listed_newest_first_with_who_caused_them(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    first = a_notification(mika, mechanism, ana, minutes=1)
    second, third = a_notification(mika, minutes=2), a_notification(mika, mechanism, minutes=3)
    await save_notifications(database, second, third, first, a_notification(ana, mechanism))
    async with database.read() as tx:
        page = await tx.notifications.find_of_user(mika.id, PageRequest(limit=2))
        rest = await tx.notifications.find_of_user(mika.id, PageRequest(limit=2, after=page.next))
    items = (*page.items, *rest.items)
    assert [item.notification for item in items] == [third, second, first]
    assert [item.actor.id if item.actor else None for item in items] == [None, None, ana.id]
    assert page.total == 3


async def test_one_or_all_notifications_are_read_and_keep_the_time_of_that(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    first, second = a_notification(mika), a_notification(mika, minutes=1)
    await save_notifications(database, first, second, a_notification(ana))
    later = NOW + timedelta(hours=1)
    async with database.begin() as tx:
        assert await tx.notifications.mark_read(ana.id, first.id, NOW) == 0
        assert await tx.notifications.mark_read(mika.id, first.id, NOW) == 1
        assert await tx.notifications.mark_read(mika.id, first.id, later) == 1
        assert list(await tx.unread_notifications.find_newest(mika.id, 10)) == [second]
        assert await tx.notifications.mark_read(mika.id, None, later) == 1
        assert list(await tx.unread_notifications.find_newest(mika.id, 10)) == []
        assert len(await tx.unread_notifications.find_newest(ana.id, 10)) == 1
    assert [one.read_at for one in await found(database, mika)] == [later, NOW]


async def test_the_unread_state_of_many_users_is_found_at_once(database: Database) -> None:
    mika, ana, ren = [await save_user(database) for _ in range(3)]
    first, second = a_notification(mika), a_notification(mika, minutes=1)
    await save_notifications(database, second, first, a_notification(ana))
    users = [mika.id, ren.id]
    async with database.begin() as tx:
        both = UnreadState(count=2, newest_at=second.created_at)
        assert await tx.unread_notifications.find_states(users) == {mika.id: both}
        await tx.notifications.mark_read(mika.id, second.id, NOW)
        one = UnreadState(count=1, newest_at=first.created_at)
        assert await tx.unread_notifications.find_states(users) == {mika.id: one}
        await tx.notifications.mark_read(mika.id, None, NOW)
        assert await tx.unread_notifications.find_states(users) == {}


async def test_likes_are_one_notification_until_it_is_read_and_counted_as_they_are_now(
    database: Database,
) -> None:
    mika = await save_user(database)
    fans = [await save_user(database) for _ in range(3)]
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    likes = [a_notification(mika, mechanism, kind=NotificationKind.LIKE, minutes=n) for n in range(4)]
    marks = [
        Mark(
            mechanism_id=mechanism.id,
            user_id=user.id,
            kind=MarkKind.LIKE,
            created_at=NOW + timedelta(minutes=n),
        )
        for n, user in enumerate((*fans[:2], mika, fans[2]))
    ]
    async with database.begin() as tx:
        for mark, notification in zip(marks[:3], likes[:3], strict=True):
            await tx.marks.add(mark)
            await tx.notifications.add(notification)
        assert await tx.notifications.count_digested([likes[0].id, likes[1].id]) == {likes[0].id: 2}
        await tx.notifications.mark_read(mika.id, None, NOW + timedelta(minutes=2))
        await tx.marks.add(marks[3])
        await tx.notifications.add(likes[3])
        ids = [one.id for one in likes]
        assert await tx.notifications.count_digested(ids) == {likes[0].id: 2, likes[3].id: 1}
        await tx.marks.delete(mechanism.id, fans[2].id, MarkKind.LIKE)
        assert await tx.notifications.count_digested(ids) == {likes[0].id: 2}
    assert [one.id for one in await found(database, mika)] == [likes[3].id, likes[0].id]


async def test_follows_are_one_notification_until_it_is_read_and_counted_as_they_are_now(
    database: Database,
) -> None:
    mika = await save_user(database)
    fans = [mika, *[await save_user(database) for _ in range(3)]]
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    digests = [a_notification(mika, kind=NotificationKind.FOLLOW, minutes=n) for n in range(4)]
    like = a_notification(mika, mechanism, kind=NotificationKind.LIKE, minutes=-1)
    follows = [
        FollowedUser(follower_id=fan.id, user_id=mika.id, since=NOW + timedelta(minutes=n))
        for n, fan in enumerate(fans)
    ]
    async with database.begin() as tx:
        await tx.notifications.add(like)
        for followed, notification in zip(follows[:3], digests[:3], strict=True):
            await tx.follows.follow_user(followed)
            await tx.notifications.add(notification)
        ids = [one.id for one in (*digests, like)]
        assert await tx.notifications.count_digested(ids) == {digests[0].id: 2}
        await tx.notifications.mark_read(mika.id, digests[0].id, NOW + timedelta(minutes=2))
        await tx.follows.follow_user(follows[3])
        await tx.notifications.add(digests[3])
        assert await tx.notifications.count_digested(ids) == {digests[0].id: 2, digests[3].id: 1}
        await tx.follows.unfollow_user(fans[3].id, mika.id)
        assert await tx.notifications.count_digested(ids) == {digests[0].id: 2}
    assert [one.id for one in await found(database, mika)] == [digests[3].id, digests[0].id, like.id]


async def test_a_digest_that_counts_nothing_any_more_is_deleted_and_the_next_is_new(
    database: Database,
) -> None:
    mika, ana = await save_user(database), await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    like = a_notification(mika, mechanism, kind=NotificationKind.LIKE)
    follow, next = (a_notification(mika, kind=NotificationKind.FOLLOW, minutes=n) for n in (0, 1))
    mark = Mark(mechanism_id=mechanism.id, user_id=ana.id, kind=MarkKind.LIKE, created_at=NOW)
    async with database.begin() as tx:
        await tx.marks.add(mark)
        await tx.follows.follow_user(FollowedUser(follower_id=ana.id, user_id=mika.id, since=NOW))
        for one in (like, follow, next):
            await tx.notifications.add(one)
        await tx.follows.unfollow_user(ana.id, mika.id)
        for _ in range(2):
            await tx.notifications.delete_empty(mika.id, NotificationKind.LIKE, mechanism.id)
            await tx.notifications.delete_empty(mika.id, NotificationKind.FOLLOW)
    assert await found(database, mika) == [like]
    async with database.begin() as tx:
        await tx.notifications.add(next)
        await tx.marks.delete(mechanism.id, ana.id, MarkKind.LIKE)
        await tx.notifications.mark_read(mika.id, like.id, NOW)
        await tx.notifications.delete_empty(mika.id, NotificationKind.LIKE, mechanism.id)
    assert await found(database, mika) == [next, replace(like, read_at=NOW)]


async def test_concurrent_likes_are_one_notification(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    likes = [a_notification(mika, mechanism, kind=NotificationKind.LIKE) for _ in range(4)]
    async with bounded():
        await asyncio.gather(*(save_notifications(database, one) for one in likes))
    assert len(await found(database, mika)) == 1


async def test_notifications_end_with_what_they_refer_to(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    mechanism, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    last = a_notification(mika, other)
    await save_notifications(
        database, a_notification(mika, mechanism), a_notification(mika, other, ana), a_notification(ana), last
    )
    async with database.begin() as tx:
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
        await tx.users.delete(ana.id)
        await tx.notifications.add(replace(a_notification(mika), mechanism_id=MechanismId(new_id())))
        await tx.notifications.add(replace(a_notification(mika), user_id=UserId(new_id())))
    assert await found(database, mika) == [last]
    assert await found(database, ana) == []


async def test_notifications_about_a_subject_and_old_ones_are_deleted(database: Database) -> None:
    mika = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(mika))
    about = replace(a_notification(mika, mechanism, minutes=9), subject="comment")
    old, older, recent = (a_notification(mika, mechanism, minutes=n) for n in (1, 0, 5))
    await save_notifications(database, about, old, older, recent)
    async with database.begin() as tx:
        await tx.notifications.delete_about(mechanism.id, "comment")
        assert await tx.notifications.delete_older(NOW + timedelta(minutes=5), limit=1) == 1
        assert await tx.notifications.delete_older(NOW + timedelta(minutes=5), limit=9) == 1
    assert await found(database, mika) == [recent]


async def test_no_notification_is_stored_of_a_kind_or_mechanism_that_its_receiver_has_muted(
    database: Database,
) -> None:
    mika, ana = await save_user(database), await save_user(database)
    muted, other = await save_mechanisms(database, a_mechanism(mika), a_mechanism(mika))
    like = NotificationKind.LIKE
    async with database.begin() as tx:
        for subject in (muted.id, like.value):
            await tx.notification_mutes.put(Mute(user_id=mika.id, subject=subject))
        assert not await tx.notifications.add(a_notification(mika, muted, ana))
        assert not await tx.notifications.add(a_notification(mika, other, kind=like))
        assert await tx.notifications.add(a_notification(mika, other, ana))
        assert await tx.notifications.add(a_notification(mika))
        assert await tx.notifications.add(a_notification(ana, muted, mika, like))


async def test_a_mute_is_stored_once_and_ends_with_its_user(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    async with database.begin() as tx:
        for _ in range(2):
            await tx.notification_mutes.put(Mute(user_id=mika.id, subject="like"))
        await tx.notification_mutes.put(Mute(user_id=ana.id, subject="like"))
        await tx.notification_mutes.put(Mute(user_id=UserId(new_id()), subject="like"))
        assert await tx.notification_mutes.is_muted(mika.id, ["comment", "like"])
        assert not await tx.notification_mutes.is_muted(mika.id, ["comment"])
        for _ in range(2):
            await tx.notification_mutes.delete(Mute(user_id=mika.id, subject="like"))
        assert await tx.notification_mutes.find_of_user(mika.id) == frozenset()
        await tx.users.delete(ana.id)
        assert await tx.notification_mutes.find_of_user(ana.id) == frozenset()
