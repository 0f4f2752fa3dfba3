"""The originals of mechanisms in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, literal_column, select

from mechshare.adapters.persistence.sql.mechanisms.rows import MECHANISMS, mechanism_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.ports.persistence.mechanisms import MechanismFiles

_BY_ORIGINAL = (
    MECHANISMS.where(
        mechanisms.c.user_id == bindparam("user_id"), mechanisms.c.original_sha256 == bindparam("sha256")
    )
    .order_by(mechanisms.c.created_at, mechanisms.c.id)
    .limit(1)
)
_COUNT_UNFINISHED = select(func.count()).where(
    mechanisms.c.user_id == bindparam("user_id"),
    # Literals: partial indexes don't match a parameter.
    mechanisms.c.processing_state.in_([literal_column("'pending'"), literal_column("'processing'")]),
)

_FAILED = (
    select(mechanisms.c.id)
    .where(
        mechanisms.c.processing_state == literal_column("'failed'"),
        mechanisms.c.file_url.is_(None),
        mechanisms.c.original_key.is_not(None),
        mechanisms.c.updated_at < bindparam("before", type_=mechanisms.c.updated_at.type),
    )
    .order_by(mechanisms.c.id)
    .limit(bindparam("limit"))
)


class SqlMechanismFiles(MechanismFiles):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        row = await self._statements.row(_BY_ORIGINAL, {"user_id": user_id, "sha256": sha256})
        return mechanism_of(row) if row else None

    async def find_failed(self, before: datetime, *, limit: int) -> Sequence[MechanismId]:
        rows = await self._statements.rows(_FAILED, {"before": before, "limit": limit})
        return [id for (id,) in rows]

    async def count_unfinished(self, user_id: UserId) -> int:
        await self._statements.advisory_lock(f"unfinished clips {user_id}")
        return int((await self._statements.row(_COUNT_UNFINISHED, {"user_id": user_id}))[0])
