"""Sessions and refresh tokens."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import RefreshToken, Session, TokenUse


class SessionRepository(Protocol):
    async def find_by_id(self, id: SessionId) -> Session | None: ...

    async def find_of_user(self, user_id: UserId, *, live_at: datetime | None = None) -> tuple[Session, ...]:
        """Returns the user's stored sessions, the most recently used first; with `live_at` only those that are neither
        revoked nor expired then."""

    async def save(self, session: Session) -> None:
        """Stores a new session, or the changed `last_used_at` and `expires_at` of an existing one."""

    async def add_token(self, token: RefreshToken) -> None:
        """Stores the token, and deletes those of its session that were issued more than SESSION_LIFETIME before it."""

    async def consume_token(self, hash: str, now: datetime) -> TokenUse | None:
        """Consumes the token if it is the first call to do so; None if there is no such token."""

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        """Revokes the user's live sessions, or `only` that one of theirs; returns how many."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` sessions that ended before `than`, with their tokens; returns how many."""
