"""References to stored files in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import String, bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import blob_references
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, Damage, OwnerKind
from mechshare.ports.persistence.blob_references import BlobReferenceRepository, BlobVerifications

_REFERENCE = record_of(BlobReference, blob_references)
_INSERT = insert(blob_references)
_BY_KEY = select(blob_references).where(blob_references.c.key == bindparam("key"))
_AMONG_KEYS = select(blob_references.c.key).where(
    blob_references.c.key.in_(bindparam("keys", expanding=True))
)
_UNMEASURED = (
    select(blob_references)
    .where(blob_references.c.size.is_(None), blob_references.c.key > bindparam("after", type_=String()))
    .order_by(blob_references.c.key)
    .limit(bindparam("limit"))
)
_SET_FACTS = update(blob_references).where(
    blob_references.c.key == bindparam("same_key"), blob_references.c.size.is_(None)
)
_PAGE = (
    select(blob_references)
    .where(blob_references.c.key > bindparam("after", type_=String()))
    .order_by(blob_references.c.key)
    .limit(bindparam("limit"))
)
_NEVER_VERIFIED = (
    select(blob_references)
    .where(blob_references.c.verified_at.is_(None))
    .order_by(blob_references.c.key)
    .limit(bindparam("limit"))
)
_UNVERIFIED = (
    select(blob_references)
    .where(blob_references.c.verified_at < bindparam("before", type_=blob_references.c.verified_at.type))
    .order_by(blob_references.c.verified_at, blob_references.c.key)
    .limit(bindparam("limit"))
)
_DAMAGED = (
    select(blob_references)
    .where(blob_references.c.damage.is_not(None))
    .order_by(blob_references.c.key)
    .limit(bindparam("limit"))
)
_SET_VERIFIED = (
    update(blob_references)
    .where(blob_references.c.key == bindparam("same_key"))
    .values(verified_at=bindparam("at"), damage=bindparam("found"))
)
_DELETE = (
    delete(blob_references)
    .where(
        blob_references.c.owner_kind == bindparam("owner_kind"),
        IsAmong(blob_references.c.owner_id, bindparam("owner_ids", type_=IdList())),
        blob_references.c.role.in_(bindparam("roles", expanding=True)),
    )
    .returning(*blob_references.c)
)


class SqlBlobReferenceRepository(BlobReferenceRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, references: Sequence[BlobReference]) -> None:
        if references:
            await self._statements.change(_INSERT, list(map(_REFERENCE.values, references)))

    async def find_by_key(self, key: str) -> BlobReference | None:
        row = await self._statements.row(_BY_KEY, {"key": key})
        return _REFERENCE.value(row) if row else None

    async def find_referenced(self, keys: Sequence[str]) -> frozenset[str]:
        rows = await self._statements.rows(_AMONG_KEYS, {"keys": list(keys)}) if keys else ()
        return frozenset(key for (key,) in rows)

    async def find_unmeasured(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        rows = await self._statements.rows(_UNMEASURED, {"after": after, "limit": limit})
        return tuple(map(_REFERENCE.value, rows))

    async def set_facts(self, facts: BlobFacts) -> None:
        measured = {"same_key": facts.key, "size": facts.size, "sha256": facts.sha256}
        await self._statements.change(_SET_FACTS, measured)

    async def find_page(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        rows = await self._statements.rows(_PAGE, {"after": after, "limit": limit})
        return tuple(map(_REFERENCE.value, rows))

    async def delete_of(
        self,
        owner_kind: OwnerKind,
        owner_ids: Sequence[str],
        *,
        roles: Collection[BlobRole] = frozenset(BlobRole),
    ) -> tuple[BlobReference, ...]:
        chosen = {
            "owner_kind": owner_kind.value,
            "owner_ids": owner_ids,
            "roles": [role.value for role in roles],
        }
        rows = await self._statements.rows(_DELETE, chosen)
        return tuple(sorted(map(_REFERENCE.value, rows), key=lambda reference: reference.key))


class SqlBlobVerifications(BlobVerifications):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_unverified(self, before: datetime, *, limit: int) -> tuple[BlobReference, ...]:
        rows = list(await self._statements.rows(_NEVER_VERIFIED, {"limit": limit}))
        if len(rows) < limit:
            rows += await self._statements.rows(_UNVERIFIED, {"before": before, "limit": limit - len(rows)})
        return tuple(map(_REFERENCE.value, rows))

    async def find_damaged(self, *, limit: int) -> tuple[BlobReference, ...]:
        return tuple(map(_REFERENCE.value, await self._statements.rows(_DAMAGED, {"limit": limit})))

    async def set_verified(self, key: str, at: datetime, damage: Damage | None) -> None:
        found = {"same_key": key, "at": at, "found": damage.value if damage else None}
        await self._statements.change(_SET_VERIFIED, found)
