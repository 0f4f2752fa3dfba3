"""Storage quotas in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, cast, delete, func, insert, select, update

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.groups import groups, memberships
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import (
    blob_references,
    mechanisms,
    storage_reservations,
    uploads,
    users,
)
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import Reservation, StorageAccount
from mechshare.domain.users import Role
from mechshare.ports.persistence.storage_quotas import StorageQuotaRepository

_RESERVATION = record_of(Reservation, storage_reservations)
_EXPIRES_AT = storage_reservations.c.expires_at


def _sum(column: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    # PostgreSQL's sum of BIGINT is NUMERIC.
    total = cast(func.coalesce(func.sum(column), 0), BigInteger)
    return select(total).where(*conditions).scalar_subquery()


# One statement, so that an upload which ends meanwhile counts either as its reservation or as its file.
# 0 is no limit, and so the largest.
_GROUP_QUOTA = (
    select(case((func.min(groups.c.member_quota_bytes) == 0, 0), else_=func.max(groups.c.member_quota_bytes)))
    .select_from(memberships.join(groups, groups.c.id == memberships.c.group_id))
    .where(memberships.c.user_id == bindparam("user_id"))
    .scalar_subquery()
)
_BY_USER = select(
    users.c.role,
    users.c.quota_bytes,
    _sum(blob_references.c.size, blob_references.c.user_id == bindparam("user_id"))
    + _sum(
        storage_reservations.c.size,
        storage_reservations.c.user_id == bindparam("user_id"),
        storage_reservations.c.key != bindparam("without"),
        bindparam("now", type_=_EXPIRES_AT.type) < _EXPIRES_AT,
    )
    + _sum(
        uploads.c.size,
        uploads.c.user_id == bindparam("user_id"),
        bindparam("now", type_=_EXPIRES_AT.type) < uploads.c.expires_at,
    ),
    _GROUP_QUOTA,
).where(users.c.id == bindparam("user_id"))
_INSERT = insert(storage_reservations)
_UPDATE = update(storage_reservations).where(storage_reservations.c.key == bindparam("same_key"))
_RELEASE = delete(storage_reservations).where(
    storage_reservations.c.key.in_(bindparam("keys", expanding=True))
)
_IS_EXPIRED = bindparam("now", type_=_EXPIRES_AT.type) > _EXPIRES_AT
_DELETE_EXPIRED = delete(storage_reservations).where(
    # Repeats the condition: PostgreSQL evaluates the subquery before it waits for a transaction that renews one.
    _IS_EXPIRED,
    storage_reservations.c.key.in_(
        select(storage_reservations.c.key).where(_IS_EXPIRED).limit(bindparam("limit"))
    ),
)
_ADOPT = (
    update(blob_references)
    .where(
        blob_references.c.key.in_(
            select(blob_references.c.key)
            .join(mechanisms, mechanisms.c.id == blob_references.c.owner_id)
            .where(blob_references.c.user_id.is_(None))
            .limit(bindparam("limit"))
        )
    )
    .values(
        user_id=select(mechanisms.c.user_id)
        .where(mechanisms.c.id == blob_references.c.owner_id)
        .scalar_subquery()
    )
)


class SqlStorageQuotaRepository(StorageQuotaRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_user(
        self, user_id: UserId, now: datetime, *, without: str = ""
    ) -> StorageAccount | None:
        # Others may insert mechanisms of the user meanwhile: a batch of them locks several users in any order.
        await self._statements.lock_row(users.c.id, user_id, may_be_deleted=False)
        wanted = {"user_id": user_id, "now": now, "without": without}
        row = await self._statements.row(_BY_USER, wanted)
        if row is None:
            return None
        role, quota_bytes, bytes_used, group_quota_bytes = row
        return StorageAccount(
            role=Role(role),
            quota_bytes=quota_bytes,
            bytes_used=bytes_used,
            group_quota_bytes=group_quota_bytes,
        )

    async def reserve(self, reservation: Reservation) -> None:
        values = _RESERVATION.values(reservation)
        if await self._statements.change(_UPDATE, {**values, "same_key": reservation.key}):
            return
        try:
            await self._statements.change(_INSERT, values)
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def release(self, keys: Sequence[str]) -> None:
        if keys:
            await self._statements.change(_RELEASE, {"keys": list(keys)})

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_EXPIRED, {"now": now, "limit": limit})

    async def adopt_files(self, *, limit: int) -> int:
        return await self._statements.change(_ADOPT, {"limit": limit})
