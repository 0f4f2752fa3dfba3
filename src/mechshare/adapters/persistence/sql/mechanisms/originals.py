"""The originals of mechanisms in SQL."""

from sqlalchemy import bindparam, func, literal_column, select

from mechshare.adapters.persistence.sql.mechanisms.rows import MECHANISMS, mechanism_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms
from mechshare.domain.ids import UserId
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


class SqlMechanismFiles(MechanismFiles):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        row = await self._statements.row(_BY_ORIGINAL, {"user_id": user_id, "sha256": sha256})
        return mechanism_of(row) if row else None

    async def count_unfinished(self, user_id: UserId) -> int:
        await self._statements.advisory_lock(f"unfinished clips {user_id}")
        return int((await self._statements.row(_COUNT_UNFINISHED, {"user_id": user_id}))[0])
