"""Users and their credentials in SQL."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, literal_column, or_, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.pagination import PagedQuery, paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import credentials, idempotency_records, jobs, users
from mechshare.domain.errors import NameTaken, StaleVersion, UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.users import User
from mechshare.ports.persistence.users import CredentialRepository, UserRepository

_USER = record_of(User, users)
_BY_ID = select(users).where(users.c.id == bindparam("id"))
_BY_LOGIN = select(users).where(
    or_(users.c.username == bindparam("login"), users.c.email == bindparam("login"))
)
_SAME_OR_SIMILAR = select(users.c.id, users.c.version, users.c.username, users.c.email).where(
    or_(
        users.c.id == bindparam("id"),
        users.c.username == bindparam("username"),
        users.c.email == bindparam("email"),
    )
)
_FIRST_CREATED_AT = select(users.c.created_at).order_by(users.c.created_at).limit(1)
_INSERT = insert(users)
_UPDATE = update(users).where(
    users.c.id == bindparam("same_id"), users.c.version == bindparam("same_version")
)
_DELETE = delete(users).where(users.c.id == bindparam("id"))
_DELETE_IDEMPOTENCY_RECORDS = delete(idempotency_records).where(
    idempotency_records.c.scope.startswith(bindparam("owner"))
)
_CLEAR_OWNER_OF_JOBS = (
    update(jobs)
    # The second condition makes the partial index usable.
    .where(jobs.c.owner == bindparam("of_owner"), jobs.c.owner != literal_column("''"))
    .values(owner="")
)
_NEWEST = paged_query(
    select(users), key=users.c.created_at, id=users.c.id, descending=True, counted=select(users.c.id)
)

_AWAITING = paged_query(
    select(users).where(users.c.awaits_approval),
    key=users.c.created_at,
    id=users.c.id,
    descending=False,
    counted=select(users.c.id).where(users.c.awaits_approval),
)

_PASSWORD_HASH = select(credentials.c.password_hash).where(credentials.c.user_id == bindparam("user_id"))
_INSERT_CREDENTIALS = insert(credentials)
_UPDATE_CREDENTIALS = update(credentials).where(credentials.c.user_id == bindparam("same_user_id"))


class SqlUserRepository(UserRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: UserId) -> User | None:
        await self._statements.lock_row(users.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _USER.value(row) if row else None

    async def find_by_login(self, login: str) -> User | None:
        # A user name contains no @, so it never equals the e-mail address of another user.
        row = await self._statements.row(_BY_LOGIN, {"login": login})
        return _USER.value(row) if row else None

    async def save(self, user: User) -> User:
        saved = replace(user, version=user.version + 1)
        await self._refuse(user)
        try:
            await self._write(user, saved)
        except UniqueViolated as problem:  # a concurrent transaction was faster
            field = "username" if "username" in str(problem) else "email"
            raise NameTaken(field=field, value=getattr(user, field)) from problem
        return saved

    async def find_all(self, request: PageRequest) -> Page[User]:
        return await self._paged(_NEWEST, request)

    async def find_awaiting_approval(self, request: PageRequest) -> Page[User]:
        return await self._paged(_AWAITING, request)

    async def find_first_created_at(self) -> datetime | None:
        row = await self._statements.row(_FIRST_CREATED_AT, {})
        return row[0] if row else None

    async def delete(self, id: UserId) -> None:
        await self._statements.change(_DELETE_IDEMPOTENCY_RECORDS, {"owner": f"{id} "})
        await self._statements.change(_CLEAR_OWNER_OF_JOBS, {"of_owner": id})
        await self._statements.change(_DELETE, {"id": id})

    async def _paged(self, listed: PagedQuery, request: PageRequest) -> Page[User]:
        return await paged(
            self._statements,
            listed,
            request,
            value=_USER.value,
            position=lambda user: Position(key=user.created_at, id=user.id),
        )

    async def _write(self, user: User, saved: User) -> None:
        if user.version == 0:
            await self._statements.change(_INSERT, _USER.values(saved))
            return
        same = {"same_id": user.id, "same_version": user.version}
        if not await self._statements.change(_UPDATE, _USER.values(saved) | same):
            raise StaleVersion()

    async def _refuse(self, user: User) -> None:
        """Raises StaleVersion or NameTaken if `user` can't be saved; checks the user name before the e-mail address."""
        wanted = {"id": user.id, "username": user.username, "email": user.email}
        rows = await self._statements.rows(_SAME_OR_SIMILAR, wanted)
        if next((version for id, version, _, _ in rows if id == user.id), 0) != user.version:
            raise StaleVersion()
        others = [(username, email) for id, _, username, email in rows if id != user.id]
        if any(username == user.username for username, _ in others):
            raise NameTaken(field="username", value=user.username)
        if others:
            raise NameTaken(field="email", value=user.email)


class SqlCredentialRepository(CredentialRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, user_id: UserId) -> str | None:
        row = await self._statements.row(_PASSWORD_HASH, {"user_id": user_id})
        return row[0] if row else None

    async def save(self, user_id: UserId, password_hash: str) -> None:
        changes = {"same_user_id": user_id, "password_hash": password_hash}
        if await self._statements.change(_UPDATE_CREDENTIALS, changes):
            return
        try:
            values = {"user_id": user_id, "password_hash": password_hash}
            await self._statements.change(_INSERT_CREDENTIALS, values)
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem
