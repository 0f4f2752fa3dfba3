"""Exports of accounts in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from mechshare.adapters.persistence.sql.comments import COMMENT, comments
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.evidence import CLAIM, claims
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.account_exports import AccountExport
from mechshare.domain.comments import Comment
from mechshare.domain.errors import UserNotFound
from mechshare.domain.evidence import Claim
from mechshare.domain.ids import AccountExportId, UserId
from mechshare.ports.persistence.account_exports import AccountExportRepository, WritingRepository

account_exports = Table(
    "account_exports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_account_exports_expires", "expires_at", "id"),
)

_EXPORT = record_of(AccountExport, account_exports)
_BY_ID = select(account_exports).where(account_exports.c.id == bindparam("id"))
_OF_USER = select(account_exports).where(account_exports.c.user_id == bindparam("user_id"))
_DELETE_OF_USER = delete(account_exports).where(account_exports.c.user_id == bindparam("user_id"))
_INSERT = insert(account_exports)
_DELETE_EXPIRED = delete(account_exports).where(
    account_exports.c.id.in_(
        select(account_exports.c.id)
        .where(account_exports.c.expires_at < bindparam("now", type_=account_exports.c.expires_at.type))
        .order_by(account_exports.c.expires_at, account_exports.c.id)
        .limit(bindparam("limit"))
    )
)
_CLAIMS = (
    select(*(claims.c[name] for name in CLAIM.columns))
    .where(claims.c.user_id == bindparam("user_id"))
    .order_by(claims.c.created_at, claims.c.id)
)
_COMMENTS = (
    select(*(comments.c[name] for name in COMMENT.columns))
    .where(comments.c.user_id == bindparam("user_id"))
    .order_by(comments.c.created_at, comments.c.id)
)


class SqlAccountExportRepository(AccountExportRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def put(self, export: AccountExport) -> None:
        await self._statements.change(_DELETE_OF_USER, {"user_id": export.user_id})
        try:
            await self._statements.change(_INSERT, _EXPORT.values(export))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: AccountExportId) -> AccountExport | None:
        row = await self._statements.row(_BY_ID, {"id": id})
        return _EXPORT.value(row) if row else None

    async def find_of_user(self, user_id: UserId) -> AccountExport | None:
        await self._statements.advisory_lock(f"account export {user_id}")
        row = await self._statements.row(_OF_USER, {"user_id": user_id})
        return _EXPORT.value(row) if row else None

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_EXPIRED, {"now": now, "limit": limit})


class SqlWritingRepository(WritingRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_claims(self, user_id: UserId) -> Sequence[Claim]:
        return [CLAIM.value(row) for row in await self._statements.rows(_CLAIMS, {"user_id": user_id})]

    async def find_comments(self, user_id: UserId) -> Sequence[Comment]:
        return [COMMENT.value(row) for row in await self._statements.rows(_COMMENTS, {"user_id": user_id})]
