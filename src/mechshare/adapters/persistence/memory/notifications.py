"""Notifications in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.follows import FOLLOWED_USERS
from mechshare.adapters.persistence.memory.marks import MARKS
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.mechanisms import author_of
from mechshare.domain.notifications import (
    DIGESTED,
    Mute,
    Notification,
    NotificationId,
    NotificationKind,
    NotificationWithActor,
    UnreadState,
)
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.notifications import (
    NotificationMuteRepository,
    NotificationRepository,
    UnreadNotificationRepository,
)

NOTIFICATIONS = Table(
    "notifications",
    Notification,
    id=KEY,
    user_id=Column(refers_to=USERS, cascades=True),
    mechanism_id=Column(refers_to=MECHANISMS, cascades=True),
    actor_id=Column(refers_to=USERS, cascades=True),
)
NOTIFICATION_MUTES = Table(
    "notification_mutes",
    Mute,
    user_id=Column(primary_key=True, refers_to=USERS, cascades=True),
    subject=KEY,
)


class MemoryNotificationRepository(NotificationRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, notification: Notification) -> bool:
        mutes, receiver = self._access.read(NOTIFICATION_MUTES), notification.user_id
        if any(mutes.find(receiver, subject) for subject in (notification.kind, notification.mechanism_id)):
            return False
        if notification.kind in DIGESTED and any(
            (one.kind, one.mechanism_id) == (notification.kind, notification.mechanism_id)
            for one in _unread(self._access, notification.user_id)
        ):
            return False
        try:
            self._access.write(NOTIFICATIONS).insert(notification)
        except ReferenceViolated:
            return False
        return True

    async def find_of_user(self, user_id: UserId, request: PageRequest) -> Page[NotificationWithActor]:
        own = [one for one in self._access.read(NOTIFICATIONS) if one.user_id == user_id]
        page = paged(own, request, key=_age, descending=True)
        return page.with_items(tuple(notification_with_actor(self._access, one) for one in page.items))

    async def count_digested(self, ids: Sequence[NotificationId]) -> Mapping[NotificationId, int]:
        rows = self._access.read(NOTIFICATIONS)
        found = [one for one in map(rows.find, ids) if one is not None]
        counts = {one.id: len(_digested(self._access, one)) for one in found}
        return {id: count for id, count in counts.items() if count}

    async def mark_read(self, user_id: UserId, id: NotificationId | None, now: datetime) -> int:
        rows = self._access.write(NOTIFICATIONS)
        own = [one for one in rows if one.user_id == user_id]
        found = [one for one in own if (one.read_at is None if id is None else one.id == id)]
        for one in found:
            rows.put(replace(one, read_at=one.read_at or now))
        return len(found)

    async def delete_about(self, mechanism_id: MechanismId, subject: str) -> None:
        about = (mechanism_id, subject)
        rows = self._access.write(NOTIFICATIONS)
        for one in [one for one in rows if (one.mechanism_id, one.subject) == about]:
            rows.delete(one.id)

    async def delete_empty(
        self, user_id: UserId, kind: NotificationKind, mechanism_id: MechanismId | None = None
    ) -> None:
        digests = [
            one
            for one in _unread(self._access, user_id)
            if (one.kind, one.mechanism_id) == (kind, mechanism_id) and not _digested(self._access, one)
        ]
        for one in digests:
            self._access.write(NOTIFICATIONS).delete(one.id)

    async def delete_older(self, before: datetime, *, limit: int) -> int:
        rows = self._access.write(NOTIFICATIONS)
        old = [one for one in rows if one.created_at < before][:limit]
        for one in old:
            rows.delete(one.id)
        return len(old)


def notification_with_actor(access: Access, notification: Notification) -> NotificationWithActor:
    if notification.actor_id is None:
        return NotificationWithActor(notification=notification, actor=None)
    actor = author_of(access.read(USERS).get(notification.actor_id))
    return NotificationWithActor(notification=notification, actor=actor)


class MemoryUnreadNotificationRepository(UnreadNotificationRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_newest(self, user_id: UserId, limit: int) -> Sequence[Notification]:
        return sorted(_unread(self._access, user_id), key=_age, reverse=True)[:limit]

    async def find_states(self, user_ids: Sequence[UserId]) -> Mapping[UserId, UnreadState]:
        unread = {id: _unread(self._access, id) for id in user_ids}
        return {
            id: UnreadState(count=len(found), newest_at=max(one.created_at for one in found))
            for id, found in unread.items()
            if found
        }


class MemoryNotificationMuteRepository(NotificationMuteRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def put(self, mute: Mute) -> None:
        try:
            self._access.write(NOTIFICATION_MUTES).put(mute)
        except ReferenceViolated:
            return

    async def delete(self, mute: Mute) -> None:
        rows = self._access.write(NOTIFICATION_MUTES)
        if rows.find(mute.user_id, mute.subject) is not None:
            rows.delete(mute.user_id, mute.subject)

    async def find_of_user(self, user_id: UserId) -> frozenset[str]:
        rows = self._access.read(NOTIFICATION_MUTES)
        return frozenset(one.subject for one in rows if one.user_id == user_id)

    async def is_muted(self, user_id: UserId, subjects: Sequence[str]) -> bool:
        rows = self._access.read(NOTIFICATION_MUTES)
        return any(rows.find(user_id, subject) is not None for subject in subjects)


def _age(notification: Notification) -> tuple[datetime, str]:
    return notification.created_at, notification.id


def _digested(access: Access, one: Notification) -> list[datetime]:
    """Returns the times of the likes or follows by others that the notification counts."""
    if one.kind is NotificationKind.FOLLOW:
        follows = [each for each in access.read(FOLLOWED_USERS) if each.user_id == one.user_id]
        times = [each.since for each in follows if each.follower_id != one.user_id]
    else:
        marks = [mark for mark in access.read(MARKS) if mark.mechanism_id == one.mechanism_id]
        likes = [mark for mark in marks if mark.kind is MarkKind.LIKE]
        times = [mark.created_at for mark in likes if mark.user_id != one.user_id]
    return [time for time in times if one.created_at <= time and (not one.read_at or time <= one.read_at)]


def _unread(access: Access, user_id: UserId) -> list[Notification]:
    return [one for one in access.read(NOTIFICATIONS) if one.user_id == user_id and one.read_at is None]
