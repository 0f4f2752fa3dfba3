"""Notifications: what happened to the mechanisms, comments and reports of a user, until the user has read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Author, Mechanism

NotificationId = NewType("NotificationId", str)
RETENTION = timedelta(days=90)
MAX_COUNTED = 100
"""Unread notifications are counted up to this number."""
MAX_MUTED = 1_000
"""Mechanisms and kinds that a user has muted."""


class NotificationNotFound(NotFound):
    code = "NOTIFICATION_NOT_FOUND"
    messages = {"en": "Notification not found.", "ja": "通知が見つかりません。"}


class TooManyMuted(Conflict):
    code = "TOO_MANY_MUTED"
    messages = {
        "en": "You have muted {limit} mechanisms, which is the maximum. Unmute one first.",
        "ja": "通知を止めた機構が上限の {limit} 件に達しています。先にどれかの通知を再開してください。",
    }


class NotificationKind(StrEnum):
    COMMENT = "comment"
    """A comment on a mechanism of the receiver."""
    REPLY = "reply"
    """A reply to a comment of the receiver."""
    MENTION = "mention"
    EVIDENCE = "evidence"
    """A claim about a mechanism of the receiver."""
    CLAIM_REPLY = "claim_reply"
    """The reply of the mechanism's author to a claim of the receiver."""
    LIKE = "like"
    """The likes of a mechanism of the receiver, as one notification until it is read."""
    FOLLOW = "follow"
    """Users who follow the receiver, without their names, as one notification until it is read."""
    FAILURE = "failure"
    """The processing of a mechanism of the receiver failed."""
    DECISION = "decision"
    """A moderator decided about something of the receiver, or about a report of the receiver."""


DIGESTED = frozenset({NotificationKind.LIKE, NotificationKind.FOLLOW})
"""Kinds of which one notification stands for all that happens until it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Who is to be notified of what: an effect of a domain event.

    `subject` is the comment, claim or report that it is about. `at` is when it happened; None for now.
    """

    user_id: UserId
    kind: NotificationKind
    mechanism_id: MechanismId | None = None
    actor_id: UserId | None = None
    subject: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What `user_id` is notified of. Who caused it is `actor_id`: None for moderators, DIGESTED kinds and the
    server."""

    id: NotificationId
    user_id: UserId
    kind: NotificationKind
    mechanism_id: MechanismId | None
    actor_id: UserId | None
    subject: str
    created_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadState:
    """Differs from an earlier one if the unread notifications of a user have changed: their number, and when the newest
    of them was made."""

    count: int = 0
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationWithActor:
    notification: Notification
    actor: Author | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNotification:
    """A notification with the mechanism as it is now. `count` is the number of likes or followers,
    otherwise 1."""

    notification: Notification
    actor: Author | None
    mechanism: Mechanism | None
    count: int = 1

    def fields(self) -> dict[str, Any]:
        """Returns what the API and webhooks show of it, by the names that they give it."""
        one = self.notification
        return {
            "id": one.id,
            "kind": one.kind,
            "mechanism_id": one.mechanism_id,
            "title": self.mechanism.title if self.mechanism else None,
            "actor": self.actor,
            "subject": one.subject,
            "count": self.count,
            "created_at": one.created_at,
            "read_at": one.read_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """`subject` is a kind of notification, or the identifier of a mechanism."""

    user_id: UserId
    subject: str
