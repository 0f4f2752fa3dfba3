"""Whom and what users follow, in SQL."""

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Index, Table, bindparam, delete, exists, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text
from mechshare.domain.errors import CategoryNotFound, UserNotFound
from mechshare.domain.follows import FollowedCategory, FollowedUser, Interests
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Author
from mechshare.ports.persistence.follows import FollowRepository

followed_users = Table(
    "followed_users",
    metadata,
    Column("follower_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("since", UtcTime, nullable=False),
    Index("ix_followed_users_of_user", "user_id", "since", "follower_id"),
)
followed_categories = Table(
    "followed_categories",
    metadata,
    Column("follower_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "category_id",
        ordered_text(40),
        ForeignKey("categories.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("since", UtcTime, nullable=False),
)

_USER = record_of(FollowedUser, followed_users)
_CATEGORY = record_of(FollowedCategory, followed_categories)
_INSERT_USER, _INSERT_CATEGORY = insert(followed_users), insert(followed_categories)
_OWN_USERS = followed_users.c.follower_id == bindparam("follower")
_OWN_CATEGORIES = followed_categories.c.follower_id == bindparam("follower")
_DELETE_USER = delete(followed_users).where(_OWN_USERS, followed_users.c.user_id == bindparam("followed"))
_DELETE_CATEGORY = delete(followed_categories).where(
    _OWN_CATEGORIES, followed_categories.c.category_id == bindparam("followed")
)
_of_target = followed_categories.alias("of_target")
_LEAVE_SOURCE = delete(followed_categories).where(
    followed_categories.c.category_id == bindparam("source"),
    exists().where(
        _of_target.c.follower_id == followed_categories.c.follower_id,
        _of_target.c.category_id == bindparam("target"),
    ),
)
_MOVE = (
    update(followed_categories)
    .where(followed_categories.c.category_id == bindparam("source"))
    .values(category_id=bindparam("target"))
)
_USERS = select(followed_users.c.user_id).where(_OWN_USERS).order_by(followed_users.c.user_id)
_CATEGORIES = (
    select(followed_categories.c.category_id)
    .where(_OWN_CATEGORIES)
    .order_by(followed_categories.c.category_id)
)
_AUTHORS = (
    select(users.c.id, users.c.username, users.c.display_name)
    .join(followed_users, followed_users.c.user_id == users.c.id)
    .where(_OWN_USERS)
    .order_by(users.c.username)
)


class SqlFollowRepository(FollowRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def follow_user(self, followed: FollowedUser) -> None:
        if followed.user_id in (await self.find_interests(followed.follower_id)).user_ids:
            return
        try:
            await self._statements.change(_INSERT_USER, _USER.values(followed))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def follow_category(self, followed: FollowedCategory) -> None:
        if followed.category_id in (await self.find_interests(followed.follower_id)).category_ids:
            return
        try:
            await self._statements.change(_INSERT_CATEGORY, _CATEGORY.values(followed))
        except ForeignKeyViolated as problem:
            raise CategoryNotFound() from problem

    async def unfollow_user(self, follower_id: UserId, user_id: UserId) -> None:
        await self._statements.change(_DELETE_USER, {"follower": follower_id, "followed": user_id})

    async def unfollow_category(self, follower_id: UserId, category_id: CategoryId) -> None:
        await self._statements.change(_DELETE_CATEGORY, {"follower": follower_id, "followed": category_id})

    async def move_category(self, source: CategoryId, target: CategoryId) -> None:
        moved = {"source": source, "target": target}
        await self._statements.change(_LEAVE_SOURCE, moved)
        await self._statements.change(_MOVE, moved)

    async def find_interests(self, follower_id: UserId) -> Interests:
        await self._statements.advisory_lock(f"follows of {follower_id}")
        followed = await self._statements.rows(_USERS, {"follower": follower_id})
        categories = await self._statements.rows(_CATEGORIES, {"follower": follower_id})
        return Interests(
            user_ids=tuple(UserId(id) for (id,) in followed),
            category_ids=tuple(CategoryId(id) for (id,) in categories),
        )

    async def find_followed(self, follower_id: UserId) -> Sequence[Author]:
        rows = await self._statements.rows(_AUTHORS, {"follower": follower_id})
        return [Author(id=UserId(id), username=name, display_name=shown) for id, name, shown in rows]
