"""Accounts: joining, describing oneself, leaving; and what admins decide about others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.audit import AuditAction, RequestMetadata
from mechshare.domain.errors import CannotModifySelf, StaleVersion, UserNotFound
from mechshare.domain.ids import JobId, MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import require_permission
from mechshare.domain.users import (
    Actor,
    Permission,
    Profile,
    Role,
    User,
    check_password,
    clean_display_name,
    clean_email,
    clean_username,
    normal_login,
    normal_password,
    profile_of,
)
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.passwords import PasswordHasher
from mechshare.ports.persistence.database import Database
from mechshare.services.support.audit import Auditor
from mechshare.services.support.cleanup import clean_up_deleted
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse, run_once
from mechshare.services.support.invalidation import Changes
from mechshare.services.support.rename_propagation import propagate_rename

_BATCH_SIZE = 300
"""Mechanisms that are deleted by one statement, which has to end in time, as has that for their three jobs each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    username: str
    email: str
    password: str
    display_name: str = ""


class UserService:
    def __init__(
        self, database: Database, passwords: PasswordHasher, changes: Changes, clock: Clock, ids: IdSource
    ) -> None:
        self._auditor = Auditor(clock, ids)
        self._database = database
        self._passwords = passwords
        self._changes = changes
        self._clock = clock
        self._ids = ids

    async def register(
        self,
        registration: Registration,
        request_metadata: RequestMetadata,
        once: IdempotentRequest[User] | None = None,
    ) -> User | ReplayedResponse:
        """A new account with the role `user`. Raises InvalidField, NameTaken, IdempotencyKeyReused."""
        return await self._join(registration, Role.USER, request_metadata, once)

    async def create_admin(self, registration: Registration) -> User:
        """A new account with the role `admin`, for the operator's command line. Raises InvalidField, NameTaken."""
        created = await self._join(registration, Role.ADMIN, RequestMetadata(), None)
        assert isinstance(created, User), "without a key there is nothing to replay"  # noqa: S101
        return created

    async def _join(
        self,
        registration: Registration,
        role: Role,
        request_metadata: RequestMetadata,
        once: IdempotentRequest[User] | None,
    ) -> User | ReplayedResponse:
        user = self._new_user(registration, role)
        password_hash = await self._passwords.hash(normal_password(registration.password))
        async with self._database.begin() as tx:

            async def join() -> User:
                saved = await tx.users.save(user)
                await tx.credentials.save(saved.id, password_hash)
                await self._auditor.note(
                    tx, AuditAction.REGISTERED, saved.id, saved.username, request_metadata
                )
                return saved

            return await run_once(tx, self._clock, once, join)

    def _new_user(self, registration: Registration, role: Role) -> User:
        check_password(registration.password)
        username = clean_username(registration.username)
        now = self._clock.now()
        return User(
            id=UserId(self._ids.new_id()),
            username=username,
            email=clean_email(registration.email),
            display_name=clean_display_name(registration.display_name or username),
            role=role,
            created_at=now,
            updated_at=now,
        )

    async def get_user(self, user_id: UserId) -> User:
        """The account itself, for its owner. Raises UserNotFound."""
        async with self._database.read() as tx:
            return _existing(await tx.users.find_by_id(user_id))

    async def find_by_login(self, login: str) -> User:
        """The account with this user name or e-mail address, for the operator's command line. Raises UserNotFound."""
        async with self._database.read() as tx:
            return _existing(await tx.users.find_by_login(normal_login(login)))

    async def get_profile(self, user_id: UserId) -> Profile:
        """What everyone may see of a user. Raises UserNotFound."""
        return profile_of(await self.get_user(user_id))

    async def update_user(
        self,
        actor: Actor,
        *,
        display_name: str | None = None,
        bio: str | None = None,
        version: int | None = None,
    ) -> User:
        """The actor's own description changed; None leaves as it is. Raises InvalidField, StaleVersion.

        A new display name is told with all of the actor's mechanisms from now on.
        """
        renamed: Sequence[MechanismId] = ()
        async with self._database.begin() as tx:
            user = _at_version(_existing(await tx.users.find_by_id(actor.id)), version)
            changed = user.described(
                display_name=user.display_name if display_name is None else display_name,
                bio=user.bio if bio is None else bio,
                now=self._clock.now(),
            )
            saved = await tx.users.save(changed)
            if saved.display_name != user.display_name:
                renamed = await propagate_rename(tx, self._clock, self._ids, user_id=user.id)
        if renamed:
            await self._changes.mechanisms_changed(*renamed)
        return saved

    async def delete_user(
        self, actor: Actor, request_metadata: RequestMetadata, version: int | None = None
    ) -> None:
        """The actor's own account with everything that is theirs. Raises StaleVersion."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            user = _at_version(_existing(await tx.users.find_by_id(actor.id)), version)
            deleted: list[MechanismId] = []
            while found := await tx.mechanism_bulk.find(user_id=user.id, limit=_BATCH_SIZE):
                gone = await tx.mechanism_bulk.delete(found)
                await clean_up_deleted(tx, gone, self._new_job_id, now, request_metadata.request_id)
                deleted += gone
            await tx.users.delete(user.id)
            await self._auditor.note(tx, AuditAction.USER_DELETED, user.id, user.id, request_metadata)
        await self._changes.access_changed(actor.id)
        await self._changes.mechanisms_changed(*deleted)

    async def find_all(self, actor: Actor, request: PageRequest) -> Page[User]:
        """Every account, for admins. Raises UnauthorizedOperation."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._database.read() as tx:
            return await tx.users.find_all(request)

    async def change_account_status(
        self,
        actor: Actor,
        user_id: UserId,
        request_metadata: RequestMetadata,
        *,
        role: Role | None = None,
        suspended: bool | None = None,
        version: int | None = None,
    ) -> User:
        """Another's role or suspension, decided by an admin; None leaves as it is.

        A suspended user's sessions end. Raises UnauthorizedOperation, CannotModifySelf, UserNotFound, StaleVersion.
        """
        require_permission(actor, Permission.MANAGE_USERS)
        if user_id == actor.id:
            raise CannotModifySelf()
        now = self._clock.now()
        async with self._database.begin() as tx:
            user = _at_version(_existing(await tx.users.find_by_id(user_id)), version)
            changed, actions = _with_account_status(user, role, suspended, now)
            if actions:
                changed = await tx.users.save(changed)
            if changed.is_suspended:
                await tx.sessions.revoke(user_id, now)
            for action in actions:
                await self._auditor.note(tx, action, actor.id, user_id, request_metadata)
        await self._changes.access_changed(user_id)
        return changed

    def _new_job_id(self) -> JobId:
        return JobId(self._ids.new_id())


def _existing(user: User | None) -> User:
    if user is None:
        raise UserNotFound()
    return user


def _at_version(user: User, version: int | None) -> User:
    if version is not None and user.version != version:
        raise StaleVersion()
    return user


def _with_account_status(
    user: User, role: Role | None, suspended: bool | None, now: datetime
) -> tuple[User, list[AuditAction]]:
    actions = []
    if role is not None and role is not user.role:
        user = user.with_role(role, now)
        actions.append(AuditAction.ROLE_CHANGED)
    if suspended is True and not user.is_suspended:
        user = user.suspended(now)
        actions.append(AuditAction.SUSPENDED)
    if suspended is False and user.is_suspended:
        user = user.reinstated(now)
        actions.append(AuditAction.REINSTATED)
    return user, actions
