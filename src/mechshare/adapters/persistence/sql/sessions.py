"""Sessions and refresh tokens in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import refresh_tokens, sessions
from mechshare.domain.errors import SessionNotFound, UserNotFound
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import SESSION_LIFETIME, RefreshToken, Session, TokenUse
from mechshare.ports.persistence.sessions import SessionRepository

_SESSION = record_of(Session, sessions)
_TOKEN = record_of(RefreshToken, refresh_tokens)

_IS_LIVE = (
    (sessions.c.user_id == bindparam("owner"))
    & sessions.c.revoked_at.is_(None)
    & (sessions.c.expires_at > bindparam("now", type_=sessions.c.expires_at.type))
)
_BY_ID = select(sessions).where(sessions.c.id == bindparam("id"))
_OF_USER = (
    select(sessions)
    .where(sessions.c.user_id == bindparam("owner"))
    .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
)
_LIVE = _OF_USER.where(_IS_LIVE)
_INSERT = insert(sessions)
_USE = (
    update(sessions)
    .where(sessions.c.id == bindparam("same_id"))
    .values(last_used_at=bindparam("last_used_at"), expires_at=bindparam("expires_at"))
)
_REVOKE_ALL = update(sessions).where(_IS_LIVE).values(revoked_at=bindparam("now"))
_REVOKE_ONE = _REVOKE_ALL.where(sessions.c.id == bindparam("only"))
_IS_OVER = sessions.c.expires_at < bindparam("than", type_=sessions.c.expires_at.type)
_DELETE_OLDER = delete(sessions).where(
    # Repeats the condition: PostgreSQL evaluates the subquery before it waits for a transaction that extends a session.
    _IS_OVER,
    sessions.c.id.in_(
        select(sessions.c.id).where(_IS_OVER).order_by(sessions.c.expires_at).limit(bindparam("limit"))
    ),
)

_INSERT_TOKEN = insert(refresh_tokens)
_DELETE_OUTDATED = delete(refresh_tokens).where(
    refresh_tokens.c.session_id == bindparam("of_session"),
    refresh_tokens.c.issued_at < bindparam("before", type_=refresh_tokens.c.issued_at.type),
)
_TOKEN_BY_HASH = select(refresh_tokens).where(refresh_tokens.c.hash == bindparam("same_hash"))
_CURRENT_TOKEN = (
    select(refresh_tokens)
    .where(refresh_tokens.c.session_id == bindparam("of_session"), refresh_tokens.c.consumed_at.is_(None))
    .order_by(refresh_tokens.c.issued_at.desc(), refresh_tokens.c.hash.desc())
    .limit(1)
)
_CONSUME_TOKEN = (
    update(refresh_tokens)
    .where(refresh_tokens.c.hash == bindparam("same_hash"), refresh_tokens.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("now"))
)


class SqlSessionRepository(SessionRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: SessionId) -> Session | None:
        await self._statements.lock_row(sessions.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _SESSION.value(row) if row else None

    async def find_of_user(self, user_id: UserId, *, live_at: datetime | None = None) -> tuple[Session, ...]:
        if live_at is None:
            rows = await self._statements.rows(_OF_USER, {"owner": user_id})
        else:
            rows = await self._statements.rows(_LIVE, {"owner": user_id, "now": live_at})
        return tuple(map(_SESSION.value, rows))

    async def save(self, session: Session) -> None:
        changes = {"last_used_at": session.last_used_at, "expires_at": session.expires_at}
        if await self._statements.change(_USE, {**changes, "same_id": session.id}):
            return
        try:
            await self._statements.change(_INSERT, _SESSION.values(session))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def add_token(self, token: RefreshToken) -> None:
        try:
            await self._statements.change(_INSERT_TOKEN, _TOKEN.values(token))
        except ForeignKeyViolated as problem:
            raise SessionNotFound() from problem
        outdated = {"of_session": token.session_id, "before": token.issued_at - SESSION_LIFETIME}
        await self._statements.change(_DELETE_OUTDATED, outdated)

    async def consume_token(self, hash: str, now: datetime) -> TokenUse | None:
        consumed = await self._statements.change(_CONSUME_TOKEN, {"same_hash": hash, "now": now})
        row = await self._statements.row(_TOKEN_BY_HASH, {"same_hash": hash})
        if row is None:
            return None
        token = _TOKEN.value(row)
        if consumed:
            return TokenUse(token, is_first=True)
        current = await self._statements.row(_CURRENT_TOKEN, {"of_session": token.session_id})
        return TokenUse(token, is_first=False, current=_TOKEN.value(current) if current else None)

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        parameters = {"owner": user_id, "now": now}
        if only is None:
            return await self._statements.change(_REVOKE_ALL, parameters)
        return await self._statements.change(_REVOKE_ONE, {**parameters, "only": only})

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_OLDER, {"than": than, "limit": limit})
