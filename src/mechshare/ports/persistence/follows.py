"""Whom and what users follow."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.follows import FollowedCategory, FollowedUser, Interests
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Author


class FollowRepository(Protocol):
    """A follow ends with the account of either user, and with the category."""

    async def follow_user(self, followed: FollowedUser) -> None:
        """Stores it; no-op if the user is followed already. Raises UserNotFound."""

    async def follow_category(self, followed: FollowedCategory) -> None:
        """Stores it; no-op if the category is followed already. Raises CategoryNotFound."""

    async def unfollow_user(self, follower_id: UserId, user_id: UserId) -> None:
        """Deletes the follow; no-op if there is none."""

    async def unfollow_category(self, follower_id: UserId, category_id: CategoryId) -> None:
        """Deletes the follow; no-op if there is none."""

    async def move_category(self, source: CategoryId, target: CategoryId) -> None:
        """Lets those who follow the category `source` follow `target` instead."""

    async def find_interests(self, follower_id: UserId) -> Interests:
        """Returns what the user follows, ordered by identifier.

        In a transaction, other transactions that look for the same wait until it ends, so that a limit holds for all of
        them together.
        """

    async def find_followed(self, follower_id: UserId) -> Sequence[Author]:
        """Returns the public names of those whom the user follows, by user name."""
