"""Sessions and refresh tokens in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.tables import refresh_tokens, sessions
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import RefreshToken, Session


class SqlSessionRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find_by_id(self, id: SessionId) -> Session | None:
        row = (await self._connection.execute(select(sessions).where(sessions.c.id == id))).one_or_none()
        return _session(row) if row else None

    async def find_live(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        live = (
            select(sessions)
            .where(
                sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > now
            )
            .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
        )
        return tuple(_session(row) for row in (await self._connection.execute(live)).all())

    async def save(self, session: Session) -> None:
        changes = {"last_used_at": session.last_used_at, "expires_at": session.expires_at}
        known = sessions.c.id == session.id
        changed = await self._connection.execute(update(sessions).where(known).values(changes))
        if changed.rowcount == 0:
            values = {name: getattr(session, name) for name in sessions.c.keys()}  # noqa: SIM118  columns, not a dict
            await self._connection.execute(insert(sessions).values(values))

    async def add_token(self, token: RefreshToken) -> None:
        values = {
            "hash": token.hash,
            "session_id": token.session_id,
            "issued_at": token.issued_at,
            "consumed_at": token.consumed_at,
        }
        await self._connection.execute(insert(refresh_tokens).values(values))

    async def consume_token(self, hash: str, now: datetime) -> tuple[RefreshToken, bool] | None:
        unused = (refresh_tokens.c.hash == hash) & refresh_tokens.c.consumed_at.is_(None)
        consumed = await self._connection.execute(
            update(refresh_tokens).where(unused).values(consumed_at=now)
        )
        wanted = select(refresh_tokens).where(refresh_tokens.c.hash == hash)
        row = (await self._connection.execute(wanted)).one_or_none()
        return (_token(row), consumed.rowcount == 1) if row else None

    async def revoke(self, user_id: UserId, now: datetime, *, only: SessionId | None = None) -> int:
        live = (
            (sessions.c.user_id == user_id) & sessions.c.revoked_at.is_(None) & (sessions.c.expires_at > now)
        )
        if only is not None:
            live &= sessions.c.id == only
        revoked = await self._connection.execute(update(sessions).where(live).values(revoked_at=now))
        return revoked.rowcount


def _session(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        user_id=UserId(row.user_id),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        user_agent=row.user_agent,
        address=row.address,
    )


def _token(row: Any) -> RefreshToken:
    return RefreshToken(
        hash=row.hash,
        session_id=SessionId(row.session_id),
        issued_at=row.issued_at,
        consumed_at=row.consumed_at,
    )
