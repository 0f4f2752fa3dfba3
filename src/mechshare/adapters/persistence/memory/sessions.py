"""Sessions and refresh tokens in memory."""

from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import ReferenceViolated
from mechshare.adapters.persistence.memory.tables import REFRESH_TOKENS, SESSIONS
from mechshare.domain.errors import SessionNotFound, UserNotFound
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import SESSION_LIFETIME, RefreshToken, Session, TokenUse
from mechshare.ports.persistence.sessions import SessionRepository


class MemorySessionRepository(SessionRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: SessionId) -> Session | None:
        return self._access.read(SESSIONS).find(id)

    async def find_of_user(self, user_id: UserId, *, live_at: datetime | None = None) -> tuple[Session, ...]:
        found = [
            session
            for session in self._access.read(SESSIONS)
            if session.user_id == user_id and (live_at is None or session.is_live(live_at))
        ]
        return tuple(sorted(found, key=lambda session: (session.last_used_at, session.id), reverse=True))

    async def save(self, session: Session) -> None:
        sessions = self._access.write(SESSIONS)
        stored = sessions.find(session.id) or session
        used = replace(stored, last_used_at=session.last_used_at, expires_at=session.expires_at)
        try:
            sessions.put(used)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def add_token(self, token: RefreshToken) -> None:
        tokens = self._access.write(REFRESH_TOKENS)
        try:
            tokens.insert(token)
        except ReferenceViolated as problem:
            raise SessionNotFound() from problem
        before = token.issued_at - SESSION_LIFETIME
        for one in tokens:
            if one.session_id == token.session_id and one.issued_at < before:
                tokens.delete(one.hash)

    async def consume_token(self, hash: str, now: datetime) -> TokenUse | None:
        tokens = self._access.write(REFRESH_TOKENS)
        token = tokens.find(hash)
        if token is None:
            return None
        if token.consumed_at is not None:
            return TokenUse(token, is_first=False, current=self._current_token(token.session_id))
        consumed = replace(token, consumed_at=now)
        tokens.put(consumed)
        return TokenUse(consumed, is_first=True)

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        sessions = self._access.write(SESSIONS)
        live = [session for session in sessions if session.user_id == user_id and session.is_live(now)]
        revoked = [session for session in live if only in (None, session.id)]
        for session in revoked:
            sessions.put(replace(session, revoked_at=now))
        return len(revoked)

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        sessions = self._access.write(SESSIONS)
        over = [session.id for session in sessions if session.expires_at < than][:limit]
        for id in over:
            sessions.delete(id)
        return len(over)

    def _current_token(self, session_id: SessionId) -> RefreshToken | None:
        unused = [
            token
            for token in self._access.read(REFRESH_TOKENS)
            if token.session_id == session_id and token.consumed_at is None
        ]
        return max(unused, key=lambda token: (token.issued_at, token.hash), default=None)
