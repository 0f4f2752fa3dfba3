"""Users, and their password hashes."""

from typing import Protocol

from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.users import User


class UserRepository(Protocol):
    async def find_by_id(self, id: UserId) -> User | None: ...

    async def find_by_login(self, login: str) -> User | None:
        """The user with this user name or, failing that, this e-mail address; both in their clean spelling."""

    async def save(self, user: User) -> User:
        """Stores `user` and gives it back with its new version.

        Version 0 is a new user. Raises StaleVersion when the stored version is not `user.version`, NameTaken when
        the user name or e-mail address is another's.
        """

    async def find_all(self, request: PageRequest) -> Page[User]:
        """Newest first; positions are (created_at, id)."""

    async def delete(self, id: UserId) -> None:
        """With credentials, sessions and idempotency records. Mechanisms must be deleted first."""


class CredentialRepository(Protocol):
    """Password hashes, kept apart from users."""

    async def find(self, user_id: UserId) -> str | None: ...

    async def save(self, user_id: UserId, password_hash: str) -> None: ...
