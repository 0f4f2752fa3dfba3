"""Users, their permissions, and their public profiles."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Conflict, InvalidField
from mechshare.domain.ids import UserId
from mechshare.domain.text import (
    MAX_DECOMPOSITION,
    clean_text,
    has_long_marks,
    readable_text,
    refuse_long_marks,
)
from mechshare.domain.user_names import fold_username


class Role(StrEnum):
    READER = "reader"
    """Blocked from posting: reads, and changes and deletes what is theirs, but makes nothing public."""
    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Permission(StrEnum):
    """A permission that a route may require. Ownership is no permission; `mechshare.domain.policy` decides on it."""

    CREATE_MECHANISMS = "mechanisms:create"
    WITHDRAW_ANY_MECHANISM = "mechanisms:withdraw_any"
    MANAGE_ANY_MECHANISM = "mechanisms:manage_any"
    MANAGE_CATEGORIES = "categories:manage"
    MANAGE_USERS = "users:manage"
    READ_AUDIT_LOG = "audit:read"
    OPERATE_INSTALLATION = "installation:operate"
    """To see and repair what runs: jobs, and the health of the dependencies."""


_USER = frozenset({Permission.CREATE_MECHANISMS})
_MODERATOR = _USER | {Permission.WITHDRAW_ANY_MECHANISM}
_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset(),
    Role.USER: _USER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: frozenset(Permission),
}

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 8, 200
MAX_EMAIL_LENGTH = 254

_MAX_RAW_PASSWORD = MAX_DECOMPOSITION * MAX_PASSWORD_LENGTH
"""Characters; a longer text is too long after normalisation, too."""
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+\Z")


class StillActive(Conflict):
    code = "ACCOUNT_STILL_ACTIVE"
    messages = {
        "en": "The account is active: only the mechanisms of a suspended account can be hidden. Suspend it first, or "
        "withdraw single mechanisms.",
        "ja": "このアカウントは有効です。機構をまとめて非公開にできるのは、停止中のアカウントだけです。"
        "先にアカウントを停止するか、機構を 1 件ずつ取り下げてください。",
    }


class StillSuspended(Conflict):
    code = "ACCOUNT_STILL_SUSPENDED"
    messages = {
        "en": "The account is suspended: its mechanisms can be shown again once the suspension is lifted.",
        "ja": "このアカウントは停止中です。停止を解除すると、機構を再び公開できます。",
    }


OPERATOR_ID = UserId("00000000-0000-0000-0000-000000000000")
"""The identifier by which the command line acts; no account has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The caller of a request: a signed-in user who is not suspended, with the facts that access rules need."""

    id: UserId
    role: Role

    def has_permission(self, permission: Permission) -> bool:
        return permission in _PERMISSIONS[self.role]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Credentials are stored separately, so no response, log or cache can contain them.

    `quota_bytes` is the account's own storage quota: 0 for no limit, None for the quota of its role.
    """

    id: UserId
    username: str
    email: str
    display_name: str
    bio: str = ""
    role: Role = Role.USER
    suspended_at: datetime | None = None
    quota_bytes: int | None = None
    awaits_approval: bool = False
    created_at: datetime
    updated_at: datetime
    version: int = 0

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def may_sign_in(self) -> bool:
        return not self.is_suspended and not self.awaits_approval

    def described(self, *, display_name: str, bio: str, now: datetime) -> "User":
        return replace(
            self, display_name=clean_display_name(display_name), bio=clean_bio(bio), updated_at=now
        )

    def with_role(self, role: Role, now: datetime) -> "User":
        return replace(self, role=role, updated_at=now)

    def with_quota(self, quota_bytes: int | None, now: datetime) -> "User":
        return replace(self, quota_bytes=quota_bytes, updated_at=now)

    def suspended(self, now: datetime) -> "User":
        return self if self.is_suspended else replace(self, suspended_at=now, updated_at=now)

    def approved(self, now: datetime) -> "User":
        return replace(self, awaits_approval=False, updated_at=now)

    def reinstated(self, now: datetime) -> "User":
        return replace(self, suspended_at=None, updated_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The public part of a user: without e-mail address, role and suspension."""

    id: UserId
    username: str
    display_name: str
    bio: str
    created_at: datetime


def profile_of(user: User) -> Profile:
    return Profile(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        bio=user.bio,
        created_at=user.created_at,
    )


def clean_email(email: str) -> str:
    """Returns the address, stripped and in lower case, of at most 254 characters. Raises InvalidField."""
    cleaned = clean_text("email", email.lower(), min_length=3, max_length=MAX_EMAIL_LENGTH)
    if not _EMAIL.match(cleaned):
        raise InvalidField("email", en="is not an e-mail address.", ja="メールアドレスの形式ではありません。")
    return cleaned


def normal_login(login: str) -> str:
    """Returns a user name or e-mail address, which contains an `@`, in the normal form in which it is stored."""
    typed = login.strip()[: MAX_DECOMPOSITION * MAX_EMAIL_LENGTH].lower()
    readable = readable_text(typed, max_length=MAX_EMAIL_LENGTH)
    return readable if "@" in readable else fold_username(readable)[:MAX_EMAIL_LENGTH]


def clean_display_name(display_name: str) -> str:
    return clean_text("display_name", display_name, min_length=1, max_length=50)


def clean_bio(bio: str) -> str:
    return clean_text("bio", bio, min_length=0, max_length=2_000, lines=True)


def normal_password(password: str) -> str:
    """Returns `password` in NFKC (NIST SP 800-63B 5.1.1.2), so that every keyboard produces the same characters.

    Lone surrogates, which hashing refuses, become `?`. Text that `check_password` refuses before normalisation is
    returned cut and not normalised: it equals no stored password.
    """
    cut = password[: _MAX_RAW_PASSWORD + 1]
    normalized = cut if _is_too_costly(cut) else unicodedata.normalize("NFKC", cut)
    return normalized.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeletion:
    """What the deletion of an account would delete, except for `audit_entries`, which stay without the user's names
    and addresses. A comment to which others replied leaves an empty place."""

    mechanisms: int
    bytes_used: int
    claims: int
    comments: int
    likes: int
    bookmarks: int
    collections: int
    follows: int
    notifications: int
    memberships: int
    reports: int
    tokens: int
    webhooks: int
    sessions: int
    audit_entries: int


def check_password(password: str) -> None:
    """Checks only the length (NIST SP 800-63B 5.1.1.2): 8 to 200 characters, at most MAX_MARKS marks in a row.

    Raises InvalidField.
    """
    if not MIN_PASSWORD_LENGTH <= len(normal_password(password)) <= MAX_PASSWORD_LENGTH:
        raise InvalidField(
            "password",
            en=f"must be {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters long.",
            ja=f"{MIN_PASSWORD_LENGTH}〜{MAX_PASSWORD_LENGTH} 文字で入力してください。",
        )
    refuse_long_marks("password", password)


def _is_too_costly(password: str) -> bool:
    return len(password) > _MAX_RAW_PASSWORD or has_long_marks(password)


def check_hiding(user: User, hides: bool | None) -> None:
    """Raises StillActive, StillSuspended: only a suspended account hides its mechanisms, only an active one shows
    them."""
    if hides is True and not user.is_suspended:
        raise StillActive()
    if hides is False and user.is_suspended:
        raise StillSuspended()
