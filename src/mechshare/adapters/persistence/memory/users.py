"""Users, credentials and sessions in memory."""

from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.tables import Access, add, paged
from mechshare.domain.errors import NameTaken, SessionNotFound, StaleVersion, UserNotFound
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.sessions import SESSION_LIFETIME, RefreshToken, Session
from mechshare.domain.users import User


class MemoryUserRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: UserId) -> User | None:
        return self._access.read().users.get(id)

    async def find_by_login(self, login: str) -> User | None:
        users = self._access.read().users.values()
        return next((user for user in users if login in (user.username, user.email)), None)

    async def save(self, user: User) -> User:
        users = self._access.write().users
        stored = users.get(user.id)
        if (stored.version if stored else 0) != user.version:
            raise StaleVersion()
        others = [other for other in users.values() if other.id != user.id]
        if any(other.username == user.username for other in others):
            raise NameTaken(field="username", value=user.username)
        if any(other.email == user.email for other in others):
            raise NameTaken(field="email", value=user.email)
        saved = users[user.id] = replace(user, version=user.version + 1)
        return saved

    async def find_all(self, request: PageRequest) -> Page[User]:
        users = self._access.read().users.values()
        return paged(users, request, key=lambda user: (user.created_at, user.id), descending=True)

    async def delete(self, id: UserId) -> None:
        tables = self._access.write()
        if any(mechanism.user_id == id for mechanism in tables.mechanisms.values()):
            raise RuntimeError("a user's mechanisms must be deleted first")
        tables.users.pop(id, None)
        tables.credentials.pop(id, None)
        gone = {session.id for session in tables.sessions.values() if session.user_id == id}
        tables.sessions = {key: remaining for key, remaining in tables.sessions.items() if key not in gone}
        tables.tokens = {
            key: remaining for key, remaining in tables.tokens.items() if remaining.session_id not in gone
        }
        tables.idempotency_records = {
            key: remaining
            for key, remaining in tables.idempotency_records.items()
            if not remaining.scope.startswith(f"{id} ")
        }


class MemoryCredentialRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, user_id: UserId) -> str | None:
        return self._access.read().credentials.get(user_id)

    async def save(self, user_id: UserId, password_hash: str) -> None:
        tables = self._access.write()
        if user_id not in tables.users:
            raise UserNotFound()
        tables.credentials[user_id] = password_hash


class MemorySessionRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: SessionId) -> Session | None:
        return self._access.read().sessions.get(id)

    async def find_live(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        sessions = self._access.read().sessions.values()
        live = [session for session in sessions if session.user_id == user_id and session.is_live(now)]
        return tuple(sorted(live, key=lambda session: (session.last_used_at, session.id), reverse=True))

    async def save(self, session: Session) -> None:
        tables = self._access.write()
        if session.user_id not in tables.users:
            raise UserNotFound()
        stored = tables.sessions.get(session.id, session)
        tables.sessions[session.id] = replace(
            stored, last_used_at=session.last_used_at, expires_at=session.expires_at
        )

    async def add_token(self, token: RefreshToken) -> None:
        tables = self._access.write()
        if token.session_id not in tables.sessions:
            raise SessionNotFound()
        add(tables.tokens, token.hash, token)
        before = token.issued_at - SESSION_LIFETIME
        own = [one for one in tables.tokens.values() if one.session_id == token.session_id]
        for outdated in (one for one in own if one.issued_at < before):
            del tables.tokens[outdated.hash]

    async def consume_token(self, hash: str, now: datetime) -> tuple[RefreshToken, bool] | None:
        tokens = self._access.write().tokens
        token = tokens.get(hash)
        if token is None:
            return None
        if token.consumed_at is not None:
            return token, False
        consumed = tokens[hash] = replace(token, consumed_at=now)
        return consumed, True

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        sessions = self._access.write().sessions
        live = [
            session for session in sessions.values() if session.user_id == user_id and session.is_live(now)
        ]
        revoked = [session for session in live if only in (None, session.id)]
        for session in revoked:
            sessions[session.id] = replace(session, revoked_at=now)
        return len(revoked)

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        tables = self._access.write()
        over = [session.id for session in tables.sessions.values() if session.expires_at < than]
        gone = set(over[:limit])
        for id in gone:
            del tables.sessions[id]
        for hash in [token.hash for token in tables.tokens.values() if token.session_id in gone]:
            del tables.tokens[hash]
        return len(gone)
