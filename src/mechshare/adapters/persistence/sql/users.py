"""Users and their credentials in SQL."""

from dataclasses import replace
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.errors import unique
from mechshare.adapters.persistence.sql.paging import paged
from mechshare.adapters.persistence.sql.tables import credentials, receipts, users
from mechshare.domain.errors import StaleVersion
from mechshare.domain.ids import UserId
from mechshare.domain.pages import Page, PageRequest, Position
from mechshare.domain.users import Role, User


class SqlUserRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find_by_id(self, id: UserId) -> User | None:
        found = await self._connection.execute(select(users).where(users.c.id == id))
        row = found.one_or_none()
        return _user(row) if row else None

    async def find_by_login(self, login: str) -> User | None:
        matching = or_(users.c.username == login, users.c.email == login)
        found = (await self._connection.execute(select(users).where(matching))).all()
        # One person's user name can't be another's address: it has no @.
        return _user(found[0]) if found else None

    async def save(self, user: User) -> User:
        values = _values(user)
        with unique(username=user.username, email=user.email):
            if user.version == 0:
                await self._connection.execute(insert(users).values(values))
            else:
                same = (users.c.id == user.id) & (users.c.version == user.version)
                changed = await self._connection.execute(update(users).where(same).values(values))
                if changed.rowcount == 0:
                    raise StaleVersion()
        return replace(user, version=user.version + 1)

    async def find_all(self, request: PageRequest) -> Page[User]:
        return await paged(
            self._connection,
            select(users),
            request,
            key=users.c.created_at,
            id=users.c.id,
            descending=True,
            value=_user,
            position=lambda user: Position(key=user.created_at, id=user.id),
            counted=select(users.c.id),
        )

    async def delete(self, id: UserId) -> None:
        await self._connection.execute(delete(receipts).where(receipts.c.scope.startswith(f"{id} ")))
        await self._connection.execute(delete(users).where(users.c.id == id))


class SqlCredentialRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, user_id: UserId) -> str | None:
        wanted = select(credentials.c.password_hash).where(credentials.c.user_id == user_id)
        return (await self._connection.execute(wanted)).scalar_one_or_none()

    async def save(self, user_id: UserId, password_hash: str) -> None:
        values = {"user_id": user_id, "password_hash": password_hash}
        mine = credentials.c.user_id == user_id
        changed = await self._connection.execute(update(credentials).where(mine).values(values))
        if changed.rowcount == 0:
            await self._connection.execute(insert(credentials).values(values))


def _user(row: Any) -> User:
    return User(
        id=UserId(row.id),
        username=row.username,
        email=row.email,
        display_name=row.display_name,
        bio=row.bio,
        role=Role(row.role),
        suspended_at=row.suspended_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _values(user: User) -> dict[str, Any]:
    """The columns of the user's next version."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "bio": user.bio,
        "role": user.role.value,
        "suspended_at": user.suspended_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "version": user.version + 1,
    }
