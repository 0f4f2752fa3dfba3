"""Whom and what users follow, in memory."""

from collections.abc import Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import CATEGORIES, USERS
from mechshare.domain.errors import CategoryNotFound, UserNotFound
from mechshare.domain.follows import FollowedCategory, FollowedUser, Interests
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Author, author_of
from mechshare.ports.persistence.follows import FollowRepository

_FOLLOWER = Column(primary_key=True, refers_to=USERS, cascades=True)
FOLLOWED_USERS = Table(
    "followed_users",
    FollowedUser,
    follower_id=_FOLLOWER,
    user_id=Column(primary_key=True, refers_to=USERS, cascades=True),
)
FOLLOWED_CATEGORIES = Table(
    "followed_categories",
    FollowedCategory,
    follower_id=_FOLLOWER,
    category_id=Column(primary_key=True, refers_to=CATEGORIES, cascades=True),
)


class MemoryFollowRepository(FollowRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def follow_user(self, followed: FollowedUser) -> None:
        try:
            self._access.write(FOLLOWED_USERS).insert(followed)
        except UniqueViolated:
            return
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def follow_category(self, followed: FollowedCategory) -> None:
        try:
            self._access.write(FOLLOWED_CATEGORIES).insert(followed)
        except UniqueViolated:
            return
        except ReferenceViolated as problem:
            raise CategoryNotFound() from problem

    async def unfollow_user(self, follower_id: UserId, user_id: UserId) -> None:
        self._access.write(FOLLOWED_USERS).delete(follower_id, user_id)

    async def unfollow_category(self, follower_id: UserId, category_id: CategoryId) -> None:
        self._access.write(FOLLOWED_CATEGORIES).delete(follower_id, category_id)

    async def move_category(self, source: CategoryId, target: CategoryId) -> None:
        followed = self._access.write(FOLLOWED_CATEGORIES)
        for one in [one for one in followed if one.category_id == source]:
            followed.delete(one.follower_id, source)
            if followed.find(one.follower_id, target) is None:
                followed.insert(replace(one, category_id=target))

    async def find_interests(self, follower_id: UserId) -> Interests:
        users, categories = self._access.read(FOLLOWED_USERS), self._access.read(FOLLOWED_CATEGORIES)
        return Interests(
            user_ids=tuple(sorted(one.user_id for one in users if one.follower_id == follower_id)),
            category_ids=tuple(
                sorted(one.category_id for one in categories if one.follower_id == follower_id)
            ),
        )

    async def find_followed(self, follower_id: UserId) -> Sequence[Author]:
        users = self._access.read(USERS)
        ids = (await self.find_interests(follower_id)).user_ids
        return sorted((author_of(users.get(id)) for id in ids), key=lambda author: author.username)
