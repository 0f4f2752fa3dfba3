"""Sessions and refresh tokens."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import RefreshToken, Session


class SessionRepository(Protocol):
    async def find_by_id(self, id: SessionId) -> Session | None: ...

    async def find_live(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        """Those neither revoked nor expired at `now`, most recently used first."""

    async def save(self, session: Session) -> None:
        """Stores a new session, or what changed of one (`last_used_at`, `expires_at`)."""

    async def add_token(self, token: RefreshToken) -> None:
        """Also forgets those of its session that were issued more than SESSION_LIFETIME before."""

    async def consume_token(self, hash: str, now: datetime) -> tuple[RefreshToken, bool] | None:
        """The token and whether this call, of all there ever are, was the one to consume it; None if there is none."""

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        """Revokes the live sessions of the user, or `only` that one of theirs; how many were."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` sessions that were over before then, with their tokens; how many there were."""
