"""Whom and what users follow, and the feed of what is new there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mechshare.domain.errors import CategoryNotFound, UserNotFound
from mechshare.domain.follow_events import UserFollowed
from mechshare.domain.follows import (
    MAX_FOLLOWED,
    FollowedCategory,
    FollowedUser,
    TooManyFollowed,
)
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Author, AuthoredMechanism
from mechshare.domain.notifications import NotificationKind
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import scope_of
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Whom a user follows, by user name, and which categories."""

    users: Sequence[Author]
    category_ids: Sequence[CategoryId]


class FollowService:
    """Only the follower knows whom and what they follow; a user learns how many began to follow them."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find(self, actor: Actor) -> Followed:
        async with self._transactions.read() as tx:
            interests = await tx.follows.find_interests(actor.id)
            users = await tx.follows.find_followed(actor.id)
        return Followed(users=users, category_ids=interests.category_ids)

    async def follow_user(self, actor: Actor, user_id: UserId) -> None:
        """No-op if the actor follows the user already. Raises UserNotFound, TooManyFollowed."""
        # Read without a lock: two users who follow each other at the same time would wait for each other.
        async with self._transactions.read() as tx:
            user = await tx.users.find_by_id(user_id)
        if user is None or user.awaits_approval:
            raise UserNotFound()
        async with self._transactions.begin() as tx:
            known = (await tx.follows.find_interests(actor.id)).user_ids
            if user_id in known:
                return
            _require_room(known, user_id)
            followed = FollowedUser(follower_id=actor.id, user_id=user_id, since=self._clock.now())
            await tx.follows.follow_user(followed)
            await tx.record(UserFollowed(followed))

    async def follow_category(self, actor: Actor, category_id: CategoryId) -> None:
        """No-op if the actor follows the category already. Raises CategoryNotFound, TooManyFollowed."""
        followed = FollowedCategory(follower_id=actor.id, category_id=category_id, since=self._clock.now())
        async with self._transactions.read() as tx:
            category = await tx.categories.find_by_id(category_id)
        if category is None:
            raise CategoryNotFound()
        async with self._transactions.begin() as tx:
            _require_room((await tx.follows.find_interests(actor.id)).category_ids, category_id)
            await tx.follows.follow_category(followed)

    async def unfollow_user(self, actor: Actor, user_id: UserId) -> None:
        """No-op if the actor does not follow the user."""
        async with self._transactions.begin() as tx:
            await tx.follows.unfollow_user(actor.id, user_id)
            await tx.notifications.delete_empty(user_id, NotificationKind.FOLLOW)

    async def unfollow_category(self, actor: Actor, category_id: CategoryId) -> None:
        """No-op if the actor does not follow the category. Raises CategoryNotFound."""
        async with self._transactions.begin() as tx:
            if await tx.categories.find_by_id(category_id) is None:
                raise CategoryNotFound()
            await tx.follows.unfollow_category(actor.id, category_id)

    async def find_feed(self, actor: Actor, request: PageRequest) -> Page[AuthoredMechanism]:
        """Returns a page of what lists show to the actor of those whom and what they follow, what
        was published last first. Who follows a category follows its children."""
        async with self._transactions.read() as tx:
            interests = await tx.follows.find_interests(actor.id)
            children = await tx.categories.find_children(interests.category_ids)
            category_ids = (*interests.category_ids, *(child.id for child in children))
            filter = MechanismFilter(interests=replace(interests, category_ids=category_ids))
            sort = MechanismSort.RECENTLY_PUBLISHED
            return await tx.mechanisms.find_all(request, filter, sort=sort, scope=scope_of(actor, None))


def _require_room(followed: Sequence[str], id: str) -> None:
    if id not in followed and len(followed) >= MAX_FOLLOWED:
        raise TooManyFollowed(limit=MAX_FOLLOWED)
