"""Users, and their password hashes."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.users import User


class UserRepository(Protocol):
    async def find_by_id(self, id: UserId) -> User | None: ...

    async def find_by_login(self, login: str) -> User | None:
        """Returns the user with this user name or, failing that, this e-mail address; both normalized."""

    async def save(self, user: User) -> User:
        """Stores `user` and returns it with its new version.

        Version 0 marks a new user. Raises StaleVersion if the stored version is not `user.version`, and NameTaken if
        another user has the user name or e-mail address.
        """

    async def find_all(self, request: PageRequest) -> Page[User]:
        """Returns a page, newest first; positions are (created_at, id)."""

    async def find_awaiting_approval(self, request: PageRequest) -> Page[User]:
        """Returns a page of the accounts that await approval, oldest first; positions are (created_at, id)."""

    async def find_first_created_at(self) -> datetime | None:
        """Returns when the oldest account was created; None without accounts."""

    async def delete(self, id: UserId) -> None:
        """Deletes the user with credentials, sessions and idempotency records, and leaves the user's jobs, ended ones
        too, without an owner. Delete the user's mechanisms and comments first."""


class CredentialRepository(Protocol):
    """Password hashes, stored separately from users."""

    async def find(self, user_id: UserId) -> str | None: ...

    async def save(self, user_id: UserId, password_hash: str) -> None: ...
