"""Accounts: registration, profile, deletion; and the decisions of admins about roles and suspensions."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from mechshare.domain.account_export_events import AccountExportEnded
from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.errors import CannotModifySelf, NameTaken, UserNotFound
from mechshare.domain.events import AccountsListed, AccountStatusChanged, UserDeleted
from mechshare.domain.ids import UserId
from mechshare.domain.invitations import InvitationRequired
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import require_permission
from mechshare.domain.registration_events import UserRegistered
from mechshare.domain.session_events import PasswordReset
from mechshare.domain.shares import user_recipient
from mechshare.domain.storage_quotas import QuotaOverride, clean_quota
from mechshare.domain.user_names import clean_username
from mechshare.domain.users import (
    AccountDeletion,
    Actor,
    Permission,
    Profile,
    Role,
    User,
    check_hiding,
    check_password,
    clean_display_name,
    clean_email,
    normal_login,
    normal_password,
    profile_of,
)
from mechshare.domain.versions import require_version
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.passwords import PasswordHasher
from mechshare.services.support.admissions import ADMITTED, Admission, Admissions
from mechshare.services.support.cleanup import clean_up_deleted, delete_sent_files
from mechshare.services.support.deletion_previews import deletion_of
from mechshare.services.support.hidden_mechanisms import hide_mechanisms
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse, run_once
from mechshare.services.support.rename_propagation import propagate_rename
from mechshare.services.transactions import Transaction, Transactions

_BATCH_SIZE = 300
"""Mechanisms per DELETE statement, so that it and the insertion of their three jobs each end within the statement
timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    username: str
    email: str
    password: str
    display_name: str = ""
    invitation: str = ""
    """The secret of an invitation."""


class UserService:
    def __init__(
        self,
        transactions: Transactions,
        passwords: PasswordHasher,
        clock: Clock,
        ids: IdSource,
        admissions: Admissions,
    ) -> None:
        self._admissions = admissions
        self._transactions = transactions
        self._passwords = passwords
        self._clock = clock
        self._ids = ids

    async def register(
        self,
        registration: Registration,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[User] | None = None,
    ) -> User:
        """Creates an account with the role `user`, which may still await approval.

        Raises RegistrationClosed, InvitationRequired, InvalidField, NameTaken, IdempotencyKeyReused, and
        ReplayedResponse for a repeated request, only with the password of the account. NameTaken does not say which of
        user name and e-mail address is in use.
        """
        try:
            admission = await self._admissions.find(registration.invitation)
            return await self._create(registration, Role.USER, request_metadata, idempotency, admission)
        except (NameTaken, InvitationRequired) as refused:
            if idempotency is not None:
                await self._require_first(registration, idempotency)
            if isinstance(refused, NameTaken):
                raise NameTaken(field="username / email") from refused
            raise

    async def create_admin(self, registration: Registration) -> User:
        """Creates an account with the role `admin`, for the command line. Raises InvalidField, NameTaken."""
        return await self._create(registration, Role.ADMIN, RequestMetadata(), None, ADMITTED)

    async def _create(
        self,
        registration: Registration,
        role: Role,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[User] | None,
        admission: Admission,
    ) -> User:
        user = replace(self._new_user(registration, role), awaits_approval=admission.awaits_approval)
        await self._refuse_taken_names(user)
        password_hash = await self._passwords.hash(normal_password(registration.password))
        async with self._transactions.begin() as tx:

            async def create() -> User:
                invitation_id = await self._admissions.use(tx, admission)
                saved = await tx.users.save(user)
                await tx.credentials.save(saved.id, password_hash)
                await tx.record(UserRegistered(saved, request_metadata, invitation_id))
                return saved

            return await run_once(tx, self._clock, _owned(idempotency, user.id), create)

    async def _require_first(self, registration: Registration, idempotency: IdempotentRequest[User]) -> None:
        """Raises ReplayedResponse if there is a response to the same request and the password is right, and
        IdempotencyKeyReused."""
        async with self._transactions.read() as tx:
            user = await tx.users.find_by_login(clean_username(registration.username))
            if user is None:
                return
            record = await tx.idempotency_records.find(_scope(idempotency, user.id), idempotency.key)
            stored = await tx.credentials.find(user.id)
        if record is None or record.is_expired(self._clock.now()):
            return
        if not await self._passwords.verify(normal_password(registration.password), stored):
            return
        raise ReplayedResponse(record.response_to(idempotency.fingerprint))

    async def _refuse_taken_names(self, user: User) -> None:
        """Raises NameTaken before the cost of hashing; the transaction that saves the user decides."""
        async with self._transactions.read() as tx:
            if await tx.users.find_by_login(user.username):
                raise NameTaken(field="username", value=user.username)
            if await tx.users.find_by_login(user.email):
                raise NameTaken(field="email", value=user.email)

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
        """Returns the account, for its owner. Raises UserNotFound."""
        async with self._transactions.read() as tx:
            return _existing(await tx.users.find_by_id(user_id))

    async def find_by_login(self, login: str) -> User:
        """Returns the account with this user name or e-mail address, for the command line. Raises UserNotFound."""
        async with self._transactions.read() as tx:
            return _existing(await tx.users.find_by_login(normal_login(login)))

    async def set_password(self, login: str, password: str) -> User:
        """Replaces a forgotten password and ends all sessions of the account, for the command line.

        Raises InvalidField, UserNotFound.
        """
        check_password(password)
        user = await self.find_by_login(login)
        password_hash = await self._passwords.hash(normal_password(password))
        async with self._transactions.begin() as tx:
            user = _existing(await tx.users.find_by_id(user.id))
            await tx.credentials.save(user.id, password_hash)
            await tx.sessions.revoke(user.id, self._clock.now())
            await tx.record(PasswordReset(user.id))
        return user

    async def get_profile(self, user_id: UserId) -> Profile:
        """Returns what everyone may see of a user. Raises UserNotFound, also for one that awaits approval."""
        user = await self.get_user(user_id)
        if user.awaits_approval:
            raise UserNotFound()
        return profile_of(user)

    async def update_user(
        self,
        actor: Actor,
        *,
        display_name: str | None = None,
        bio: str | None = None,
        versions: Collection[int] | None = None,
    ) -> User:
        """Updates the actor's profile; None keeps a value. Raises InvalidField, StaleVersion.

        Propagates a new display name to all of the actor's mechanisms.
        """
        async with self._transactions.begin() as tx:
            user = _existing(await tx.users.find_by_id(actor.id))
            require_version(user.version, versions)
            changed = user.described(
                display_name=user.display_name if display_name is None else display_name,
                bio=user.bio if bio is None else bio,
                now=self._clock.now(),
            )
            saved = await tx.users.save(changed)
            if saved.display_name != user.display_name:
                are_public = await _has_published(tx, user.id)
                await propagate_rename(tx, user_id=user.id, are_public=are_public, actor_id=actor.id)
            return saved

    async def find_deletion(self, actor: Actor) -> AccountDeletion:
        """Returns what `delete_user` would delete at present, and what would stay. Raises UserNotFound."""
        async with self._transactions.read() as tx:
            return await deletion_of(tx, actor, self._clock.now())

    async def delete_user(
        self, actor: Actor, request_metadata: RequestMetadata, versions: Collection[int] | None = None
    ) -> None:
        """Deletes the actor's account, everything the actor owns, and their names and addresses in the audit log.

        Raises StaleVersion.
        """
        async with self._transactions.begin() as tx:
            await tx.counts.mark_stale_of(actor.id)
            user = _existing(await tx.users.find_by_id(actor.id))
            require_version(user.version, versions)
            were_public = await _has_published(tx, user.id)
            while found := await tx.mechanism_bulk.find(user_id=user.id, limit=_BATCH_SIZE):
                gone = await tx.mechanism_bulk.delete(found)
                await clean_up_deleted(
                    tx, gone, were_public=were_public, request_id=request_metadata.request_id
                )
            if export := await tx.account_exports.find_of_user(user.id):
                await tx.record(AccountExportEnded(export, request_metadata.request_id))
            await tx.shares.delete_for(user_recipient(user.id))
            await delete_sent_files(tx, user.id, request_metadata.request_id)
            await tx.comments.delete_of_user(user.id, self._clock.now())
            await tx.users.delete(user.id)
            await tx.audit.erase_person(user.id, (user.username, user.email))
            await tx.record(UserDeleted(user.id, request_metadata))

    async def count_accounts(self, actor: Actor) -> Page[User]:
        """Returns the newest account with the number of all, for admins. Raises UnauthorizedOperation."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.read() as tx:
            return await tx.users.find_all(PageRequest(limit=1))

    async def find_all(
        self, actor: Actor, request: PageRequest, request_metadata: RequestMetadata = NO_REQUEST
    ) -> Page[User]:
        """Returns a page of all accounts, for admins, and records that they were listed. Raises
        UnauthorizedOperation."""
        require_permission(actor, Permission.MANAGE_USERS)
        await self._transactions.record(AccountsListed(actor.id, request_metadata))
        async with self._transactions.read() as tx:
            return await tx.users.find_all(request)

    async def change_account_status(
        self,
        actor: Actor,
        user_id: UserId,
        request_metadata: RequestMetadata,
        *,
        role: Role | None = None,
        suspended: bool | None = None,
        quota: QuotaOverride | None = None,
        hides_mechanisms: bool | None = None,
        versions: Collection[int] | None = None,
    ) -> User:
        """Changes another user's role, suspension or storage quota, for admins; None keeps a value.

        Suspension ends the user's sessions and personal access tokens. With `hides_mechanisms` it also withdraws all
        public mechanisms of the user; False, once the suspension is lifted, publishes those again. Raises
        UnauthorizedOperation, CannotModifySelf, UserNotFound, StaleVersion, InvalidField, StillActive, StillSuspended.
        """
        require_permission(actor, Permission.MANAGE_USERS)
        if user_id == actor.id:
            raise CannotModifySelf()
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            user = _existing(await tx.users.find_by_id(user_id))
            require_version(user.version, versions)
            changed = _with_account_status(user, role, suspended, quota, now)
            check_hiding(changed, hides_mechanisms)
            if changed != user:
                changed = await tx.users.save(changed)
            if changed.is_suspended:
                await tx.sessions.revoke(user_id, now)
                await tx.personal_access_tokens.delete(user_id)
            await tx.record(AccountStatusChanged(user, changed, actor.id, request_metadata))
            if hides_mechanisms is not None:
                await hide_mechanisms(tx, user_id, actor.id, now, request_metadata, hides=hides_mechanisms)
            return changed


def _owned(idempotency: IdempotentRequest[User] | None, user_id: UserId) -> IdempotentRequest[User] | None:
    """Returns the request in the scope of the account, so that deleting the account deletes the stored response."""
    return replace(idempotency, scope=_scope(idempotency, user_id)) if idempotency else None


def _scope(idempotency: IdempotentRequest[User], user_id: UserId) -> str:
    return f"{user_id} {idempotency.scope.strip()}"


async def _has_published(tx: Transaction, user_id: UserId) -> bool:
    return bool((await tx.mechanisms.find_all(PageRequest(limit=1), MechanismFilter(user_id=user_id))).items)


def _existing(user: User | None) -> User:
    if user is None:
        raise UserNotFound()
    return user


def _with_account_status(
    user: User, role: Role | None, suspended: bool | None, quota: QuotaOverride | None, now: datetime
) -> User:
    if role is not None and role is not user.role:
        user = user.with_role(role, now)
    if quota is not None and quota.size != user.quota_bytes:
        user = user.with_quota(clean_quota(quota.size), now)
    if suspended is True and not user.is_suspended:
        user = user.suspended(now)
    if suspended is False and user.is_suspended:
        user = user.reinstated(now)
    return user
