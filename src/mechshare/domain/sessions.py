"""Signed-in sessions, and the tokens that prove them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.users import Actor

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(days=30)
"""How long a session lives after its last refresh."""
REPLAY_GRACE = timedelta(seconds=30)
"""How long a replaced refresh token still gets the current tokens of its session: two tabs refresh at once, or a
response is lost on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in on one device: the family of all refresh tokens that descend from it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token as it is stored: by the SHA-256 of its text, so that a stolen database opens no session."""

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
    """What an access token says, after it was verified."""

    user_id: UserId
    session_id: SessionId
    token_id: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What signing in or refreshing hands out. `expires_in` is the access token's lifetime in whole seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A caller whose access token was verified, and whose session and account are in order."""

    actor: Actor
    session_id: SessionId
