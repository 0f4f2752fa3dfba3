"""Domain events of sign-ins, sessions and passwords: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import SessionId, TokenId, UserId


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """`account` is the user name."""

    user_id: UserId
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SignInFailed:
    """A sign-in with a wrong password or to an account that refuses it. `account` is the key that counts failures."""

    user_id: UserId | None
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SignInThrottled:
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SessionEnded:
    user_id: UserId
    session_id: SessionId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class RefreshDenied:
    """A refresh token was refused. User and session are None if the token belongs to none."""

    user_id: UserId | None
    session_id: SessionId | None
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class RefreshTokenReused:
    """A refresh token was used twice, which ended its session."""

    user_id: UserId
    session_id: SessionId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    user_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class TokenCreated:
    """A user created the personal access token `name`."""

    user_id: UserId
    token_id: TokenId
    name: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    user_id: UserId
    token_id: TokenId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """The operator set a new password for a user."""

    user_id: UserId


SessionEvent = (
    SessionOpened
    | SignInFailed
    | SignInThrottled
    | SessionEnded
    | RefreshDenied
    | RefreshTokenReused
    | PasswordChanged
    | TokenCreated
    | TokenRevoked
    | PasswordReset
)
