"""Claims about mechanisms in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.evidence import AuthoredClaim, Claim, ClaimId, ClaimKind
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Author
from mechshare.domain.named_values import NamedValue
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.evidence import ClaimRepository

claims = Table(
    "claims",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), nullable=False),
    Column("mechanism_version", Integer, nullable=False),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("doi", String(250), nullable=False),
    Column("conditions", JsonColumn(tuple[NamedValue, ...]), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("withdrawn_at", UtcTime),
    # Stays when the account is deleted, so it can't be a foreign key.
    Column("withdrawn_by", Id),
    Column("reply", Text, nullable=False),
    Column("replied_at", UtcTime),
    Column("file", JsonColumn(ReceivedFile)),
    Column("version", Integer, nullable=False),
    Index("ix_claims_of_mechanism", "mechanism_id", "created_at", "id"),
)

CLAIM = record_of(Claim, claims)
_INSERT = insert(claims)
_UPDATE = update(claims).where(
    claims.c.id == bindparam("same_id"), claims.c.version == bindparam("same_version")
)
_COLUMNS = tuple(claims.c[name] for name in CLAIM.columns)
_BY_ID = select(*_COLUMNS).where(claims.c.id == bindparam("id"))
_OF_MECHANISM = claims.c.mechanism_id == bindparam("mechanism_id")
_NEWEST = paged_query(
    select(*_COLUMNS, users.c.username, users.c.display_name)
    .join(users, users.c.id == claims.c.user_id)
    .where(_OF_MECHANISM),
    key=claims.c.created_at,
    id=claims.c.id,
    descending=True,
    counted=select(claims.c.id).where(_OF_MECHANISM),
)
_COUNT = select(func.count()).where(_OF_MECHANISM, claims.c.user_id == bindparam("user_id"))
_STANCES = (
    select(claims.c.user_id, claims.c.kind)
    .where(_OF_MECHANISM, claims.c.withdrawn_at.is_(None))
    .distinct()
    .order_by(claims.c.user_id, claims.c.kind)
)
_FILES_OF_USER = (
    select(claims.c.mechanism_id, claims.c.file)
    .where(claims.c.user_id == bindparam("user_id"), claims.c.file.is_not(None))
    .order_by(claims.c.id)
)


class SqlClaimRepository(ClaimRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_claim(self, id: ClaimId) -> Claim | None:
        await self._statements.lock_row(claims.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return CLAIM.value(row) if row else None

    async def save(self, claim: Claim) -> Claim:
        saved = replace(claim, version=claim.version + 1)
        values = CLAIM.values(saved)
        try:
            if claim.version == 0:
                await self._statements.change(_INSERT, values)
            elif not await self._statements.change(
                _UPDATE, {**values, "same_id": claim.id, "same_version": claim.version}
            ):
                raise StaleVersion()
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:  # the identifier of a new claim is in use
            raise StaleVersion() from problem
        return saved

    async def find_of_mechanism(self, mechanism_id: MechanismId, request: PageRequest) -> Page[AuthoredClaim]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=_authored,
            position=lambda item: Position(key=item.claim.created_at, id=item.claim.id),
            parameters={"mechanism_id": mechanism_id},
        )

    async def count_of_user(self, mechanism_id: MechanismId, user_id: UserId) -> int:
        await self._statements.advisory_lock(f"claims {mechanism_id} {user_id}")
        own = {"mechanism_id": mechanism_id, "user_id": user_id}
        return int((await self._statements.row(_COUNT, own))[0])

    async def find_stances(self, mechanism_id: MechanismId) -> Sequence[tuple[UserId, ClaimKind]]:
        rows = await self._statements.rows(_STANCES, {"mechanism_id": mechanism_id})
        return [(UserId(user_id), ClaimKind(kind)) for user_id, kind in rows]

    async def find_files_of_user(self, user_id: UserId) -> Sequence[tuple[MechanismId, ReceivedFile]]:
        rows = await self._statements.rows(_FILES_OF_USER, {"user_id": user_id})
        return [(mechanism_id, file) for mechanism_id, file in rows]


def _authored(row: Any) -> AuthoredClaim:
    *own, username, display_name = row
    claim = CLAIM.value(own)
    author = Author(id=claim.user_id, username=username, display_name=display_name)
    return AuthoredClaim(claim=claim, author=author)
