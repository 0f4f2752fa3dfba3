"""Users and their credentials in memory."""

from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import ReferenceViolated, UniqueViolated
from mechshare.adapters.persistence.memory.tables import (
    CREDENTIALS,
    IDEMPOTENCY_RECORDS,
    JOBS,
    USERS,
    Credential,
)
from mechshare.domain.errors import NameTaken, UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.users import User
from mechshare.ports.persistence.users import CredentialRepository, UserRepository


class MemoryUserRepository(UserRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: UserId) -> User | None:
        return self._access.read(USERS).find(id)

    async def find_by_login(self, login: str) -> User | None:
        users = self._access.read(USERS)
        return next((user for user in users if login in (user.username, user.email)), None)

    async def save(self, user: User) -> User:
        try:
            return self._access.write(USERS).save(user)
        except UniqueViolated as problem:
            raise NameTaken(field=problem.field, value=getattr(user, problem.field)) from problem

    async def find_all(self, request: PageRequest) -> Page[User]:
        users = self._access.read(USERS)
        return paged(users, request, key=lambda user: (user.created_at, user.id), descending=True)

    async def find_awaiting_approval(self, request: PageRequest) -> Page[User]:
        users = [user for user in self._access.read(USERS) if user.awaits_approval]
        return paged(users, request, key=lambda user: (user.created_at, user.id), descending=False)

    async def find_first_created_at(self) -> datetime | None:
        return min((user.created_at for user in self._access.read(USERS)), default=None)

    async def delete(self, id: UserId) -> None:
        self._access.write(USERS).delete(id)
        records = self._access.write(IDEMPOTENCY_RECORDS)
        for record in records:
            if record.scope.startswith(f"{id} "):
                records.delete(record.scope, record.key)
        jobs = self._access.write(JOBS)
        for job in [job for job in jobs if job.owner == id]:
            jobs.put(replace(job, owner=""))


class MemoryCredentialRepository(CredentialRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, user_id: UserId) -> str | None:
        credential = self._access.read(CREDENTIALS).find(user_id)
        return credential.password_hash if credential else None

    async def save(self, user_id: UserId, password_hash: str) -> None:
        try:
            self._access.write(CREDENTIALS).put(Credential(user_id, password_hash))
        except ReferenceViolated as problem:
            raise UserNotFound() from problem
