"""Personal access tokens, by which programs call the API in the name of a user."""

import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.errors import Conflict, Forbidden, InvalidField, NotFound
from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.sessions import SignedIn
from mechshare.domain.text import clean_text
from mechshare.domain.users import Actor, Role

PREFIX = "msp_"
"""Begins every token, so that scanners of source code recognise one that was published by mistake."""
MAX_TOKENS_OF_USER = 50
MAX_NAME_LENGTH = 80
DEFAULT_LIFETIME_DAYS, MAX_LIFETIME_DAYS = 90, 366
USE_INTERVAL = timedelta(minutes=1)
"""How often the last use of a token is written at most."""
_SECRET_LENGTH, _CHECKSUM_LENGTH = 43, 8
_TOKEN = re.compile(rf"{PREFIX}([\w-]{{{_SECRET_LENGTH}}})([0-9a-f]{{{_CHECKSUM_LENGTH}}})", re.ASCII)


class Scope(StrEnum):
    """What a token may do. No scope includes another."""

    READ = "read"
    WRITE = "write"
    """To change, publish and delete what exists."""
    UPLOAD = "upload"
    """To send files and create mechanisms."""
    ADMIN = "admin"
    """To use the permissions of a moderator or admin; without it the token has those of a plain user."""


class TokenNotFound(NotFound):
    code = "TOKEN_NOT_FOUND"
    messages = {"en": "Token not found.", "ja": "トークンが見つかりません。"}


class TooManyTokens(Conflict):
    code = "TOO_MANY_TOKENS"
    messages = {
        "en": "An account has at most {limit} personal access tokens. Revoke one first.",
        "ja": "個人用アクセストークンは 1 アカウントにつき {limit} 個までです。先に不要なものを取り消してください。",
    }


class InsufficientScope(Forbidden):
    code = "INSUFFICIENT_SCOPE"
    messages = {
        "en": "The personal access token lacks the scope '{scope}'. Create one that has it.",
        "ja": "この個人用アクセストークンにはスコープ「{scope}」がありません。付けて作成し直してください。",
    }


class SessionRequired(Forbidden):
    code = "SESSION_REQUIRED"
    messages = {
        "en": "A personal access token cannot do this. Sign in, and use the access token of the session.",
        "ja": "個人用アクセストークンではこの操作を行えません。サインインして、"
        "セッションのアクセストークンを使ってください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalAccessToken:
    """A stored token. Only the SHA-256 of its text is stored, so a stolen database gives access to no account."""

    id: TokenId
    user_id: UserId
    name: str
    scopes: tuple[Scope, ...]
    hash: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        return now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrant:
    """A live token and its caller. `scopes` bound what the caller may do."""

    actor: Actor
    token_id: TokenId
    scopes: tuple[Scope, ...]

    def require(self, scope: Scope) -> None:
        """Raises InsufficientScope unless the token has `scope`."""
        if scope not in self.scopes:
            raise InsufficientScope(scope=scope.value)


Caller = SignedIn | TokenGrant
"""Who calls: a user in a session, or a program with a token of the user."""


def restricted(actor: Actor, scopes: Collection[Scope]) -> Actor:
    """Returns `actor` with the permissions of a plain user unless `scopes` include admin."""
    is_plain = actor.role in (Role.USER, Role.READER)
    return actor if is_plain or Scope.ADMIN in scopes else replace(actor, role=Role.USER)


def may_read(caller: Caller) -> bool:
    """Whether the caller may read at all; a token may lack the scope."""
    return isinstance(caller, SignedIn) or Scope.READ in caller.scopes


def token_text(secret: str) -> str:
    """Returns the text of the token with this secret of 43 URL-safe characters; it ends with a checksum (CRC-32)."""
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_token_text(text: str) -> bool:
    """Whether `text` has the form and the checksum of a token. Any other text needs no lookup."""
    found = _TOKEN.fullmatch(text)
    return found is not None and found[2] == _checksum(found[1])


def clean_token_name(name: str) -> str:
    return clean_text("name", name, min_length=1, max_length=MAX_NAME_LENGTH)


def clean_scopes(scopes: Collection[Scope], role: Role) -> tuple[Scope, ...]:
    """Returns the scopes once each, in the order of `Scope`. Raises InvalidField for none, and for admin if the role
    has no permissions that need it."""
    if not scopes:
        raise InvalidField(
            "scopes",
            en=f"must contain at least one of {', '.join(Scope)}.",
            ja=f"{'・'.join(Scope)} から 1 つ以上を選んでください。",
        )
    if Scope.ADMIN in scopes and role in (Role.USER, Role.READER):
        raise InvalidField(
            "scopes",
            en="must not contain admin: only moderators and admins can grant it.",
            ja="admin を指定できるのは、モデレーターと管理者だけです。",
        )
    return tuple(scope for scope in Scope if scope in scopes)


def expiry_after(days: int, now: datetime) -> datetime:
    """Returns when a token made `now` for `days` days expires. Raises InvalidField."""
    if not 1 <= days <= MAX_LIFETIME_DAYS:
        raise InvalidField(
            "expires_in_days",
            en=f"must be from 1 to {MAX_LIFETIME_DAYS}.",
            ja=f"1〜{MAX_LIFETIME_DAYS} の値を指定してください。",
        )
    return now + timedelta(days=days)


def _checksum(secret: str) -> str:
    return f"{zlib.crc32(secret.encode()):0{_CHECKSUM_LENGTH}x}"
