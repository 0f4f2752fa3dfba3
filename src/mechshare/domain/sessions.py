"""Sessions and their tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.errors import Forbidden
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.users import Actor

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(days=30)
"""The lifetime of a session after its last refresh."""
REPLAY_GRACE = timedelta(seconds=30)
"""The time for which a consumed refresh token still returns the current tokens of its session: two tabs may refresh at
the same time, and a response may be lost."""


RECENT_SIGN_IN = timedelta(minutes=10)
"""How long after a sign-in its session may do what a thief of the session must not: see `RecentSignInRequired`."""


class RecentSignInRequired(Forbidden):
    code = "RECENT_SIGN_IN_REQUIRED"
    messages = {
        "en": "Sign in again first: this needs a sign-in within the last {minutes} minutes.",
        "ja": "もう一度サインインしてください。この操作には、過去 {minutes} 分以内のサインインが必要です。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in on one device, with all refresh tokens that descend from it."""

    id: SessionId
    user_id: UserId
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    user_agent: str = ""
    address: str = ""

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def is_recent(self, now: datetime) -> bool:
        """Whether the user signed in less than RECENT_SIGN_IN ago; refreshing the tokens does not count.

        If the clock was set back since, so that the sign-in lies in the future, it does not stay recent for longer.
        """
        return abs(now - self.created_at) < RECENT_SIGN_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A stored refresh token. Only its SHA-256 is stored, so a stolen database gives access to no session."""

    hash: str
    session_id: SessionId
    issued_at: datetime
    consumed_at: datetime | None = None

    def is_just_replaced(self, now: datetime) -> bool:
        """Whether the token was replaced less than REPLAY_GRACE ago; the clocks of two machines may differ by as
        much."""
        return self.consumed_at is not None and abs(now - self.consumed_at) < REPLAY_GRACE


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A use of a refresh token, which the first use consumes.

    After a repeated use, `current` is the newest token of the session that is not consumed, if there is one.
    """

    token: RefreshToken
    is_first: bool
    current: RefreshToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a verified access token."""

    user_id: UserId
    session_id: SessionId
    token_id: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The result of a sign-in or refresh. `expires_in` is the access token's lifetime in whole seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A caller with a verified access token, a live session and an active account."""

    actor: Actor
    session_id: SessionId
