"""Personal access tokens in SQL."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.personal_access_tokens import PersonalAccessToken, Scope
from mechshare.ports.persistence.personal_access_tokens import PersonalAccessTokenRepository

personal_access_tokens = Table(
    "personal_access_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("scopes", JsonColumn(tuple[Scope, ...]), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("last_used_at", UtcTime),
    Index(None, "user_id", "created_at"),
)

_tokens = personal_access_tokens
_TOKEN = record_of(PersonalAccessToken, _tokens)
_INSERT = insert(_tokens)
_BY_ID = select(_tokens).where(_tokens.c.id == bindparam("id"))
_BY_HASH = select(_tokens).where(_tokens.c.hash == bindparam("hash"))
_OF_USER = (
    select(_tokens)
    .where(_tokens.c.user_id == bindparam("owner"))
    .order_by(_tokens.c.created_at.desc(), _tokens.c.id.desc())
)
_DELETE_ALL = delete(_tokens).where(_tokens.c.user_id == bindparam("owner"))
_DELETE_ONE = _DELETE_ALL.where(_tokens.c.id == bindparam("only"))
_AT = bindparam("at", type_=UtcTime)
_NOTE_USE = (
    update(_tokens)
    .where(
        _tokens.c.id == bindparam("used"),
        _tokens.c.last_used_at.is_(None) | (_tokens.c.last_used_at < _AT),
    )
    .values(last_used_at=_AT)
)
_DELETE_EXPIRED = delete(_tokens).where(
    _tokens.c.id.in_(
        select(_tokens.c.id)
        .where(_tokens.c.expires_at < bindparam("before", type_=UtcTime))
        .order_by(_tokens.c.expires_at)
        .limit(bindparam("limit"))
    )
)


class SqlPersonalAccessTokenRepository(PersonalAccessTokenRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, token: PersonalAccessToken) -> None:
        try:
            await self._statements.change(_INSERT, _TOKEN.values(token))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: TokenId) -> PersonalAccessToken | None:
        row = await self._statements.row(_BY_ID, {"id": id})
        return _TOKEN.value(row) if row else None

    async def find_by_hash(self, hash: str) -> PersonalAccessToken | None:
        row = await self._statements.row(_BY_HASH, {"hash": hash})
        return _TOKEN.value(row) if row else None

    async def find_of_user(self, user_id: UserId) -> tuple[PersonalAccessToken, ...]:
        rows = await self._statements.rows(_OF_USER, {"owner": user_id})
        return tuple(map(_TOKEN.value, rows))

    async def delete(self, user_id: UserId, *, only: TokenId | None = None) -> int:
        if only is None:
            return await self._statements.change(_DELETE_ALL, {"owner": user_id})
        return await self._statements.change(_DELETE_ONE, {"owner": user_id, "only": only})

    async def note_uses(self, uses: Mapping[TokenId, datetime]) -> None:
        for id in sorted(uses):  # in one order, so that processes which note the same tokens do not deadlock
            await self._statements.change(_NOTE_USE, {"used": id, "at": uses[id]})

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_EXPIRED, {"before": before, "limit": limit})
