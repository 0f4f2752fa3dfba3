"""Notifications of users, and what each has muted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.notifications import (
    Mute,
    Notification,
    NotificationId,
    NotificationKind,
    NotificationWithActor,
    UnreadState,
)
from mechshare.domain.pagination import Page, PageRequest


class NotificationRepository(Protocol):
    """Notifications are deleted with their mechanism, their receiver, and the account of who caused them."""

    async def add(self, notification: Notification) -> bool:
        """Stores the notification; returns whether it did. It does not if the receiver has muted its kind or its
        mechanism, if it is of a DIGESTED kind and one of its kind about the same mechanism is unread already, and if
        the receiver, the mechanism or the actor is gone."""

    async def find_of_user(self, user_id: UserId, request: PageRequest) -> Page[NotificationWithActor]:
        """Returns a page, newest first; positions are (created_at, id)."""

    async def count_digested(self, ids: Sequence[NotificationId]) -> Mapping[NotificationId, int]:
        """Returns, for those of these notifications that have any, the likes of the mechanism or the follows of the
        receiver, by other users than the receiver, that exist now and began from its time until it was read."""

    async def mark_read(self, user_id: UserId, id: NotificationId | None, now: datetime) -> int:
        """Marks one notification of the user, or all unread ones (None), as read; returns how many it found. One that
        was read before keeps its time."""

    async def delete_about(self, mechanism_id: MechanismId, subject: str) -> None:
        """Deletes the notifications about this subject, such as a comment."""

    async def delete_empty(
        self, user_id: UserId, kind: NotificationKind, mechanism_id: MechanismId | None = None
    ) -> None:
        """Deletes the user's unread notification of this DIGESTED kind about the mechanism, if `count_digested` returns
        nothing for it any more. So the next like or follow is a new notification."""

    async def delete_older(self, before: datetime, *, limit: int) -> int:
        """Deletes at most `limit` notifications from before that time; returns how many."""


class UnreadNotificationRepository(Protocol):
    """Reads the notifications that their receivers have not read."""

    async def find_newest(self, user_id: UserId, limit: int) -> Sequence[Notification]:
        """Returns the newest unread ones of the user, newest first."""

    async def find_states(self, user_ids: Sequence[UserId]) -> Mapping[UserId, UnreadState]:
        """Returns the state of those of at most 500 users who have unread notifications."""


class NotificationMuteRepository(Protocol):
    """Mutes end with the account of their user."""

    async def put(self, mute: Mute) -> None:
        """Stores the mute; no-op if it is there, or the user is gone."""

    async def delete(self, mute: Mute) -> None:
        """Deletes the mute, if it exists."""

    async def find_of_user(self, user_id: UserId) -> frozenset[str]:
        """Returns the subjects that the user has muted."""

    async def is_muted(self, user_id: UserId, subjects: Sequence[str]) -> bool:
        """Whether the user has muted one of at most ten subjects."""
