"""Whom and what a user follows: other users, and categories."""

from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.errors import Conflict
from mechshare.domain.ids import CategoryId, UserId

MAX_FOLLOWED = 1_000
"""The maximum number of users that a user may follow, and of categories."""


class TooManyFollowed(Conflict):
    code = "TOO_MANY_FOLLOWED"
    messages = {
        "en": "You follow {limit} users or categories, which is the maximum. Stop following one first.",
        "ja": "フォローが上限の {limit} 件に達しています。先に不要なフォローを解除してください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUser:
    """`follower_id` follows `user_id`."""

    follower_id: UserId
    user_id: UserId
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedCategory:
    """`follower_id` follows `category_id`."""

    follower_id: UserId
    category_id: CategoryId
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Interests:
    """What a user follows; a list narrowed by them has what any of these users made or any of these categories has."""

    user_ids: tuple[UserId, ...] = ()
    category_ids: tuple[CategoryId, ...] = ()
