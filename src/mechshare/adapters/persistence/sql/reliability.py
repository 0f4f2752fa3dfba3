"""The history of reliability levels in SQL."""

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, bindparam, insert, select

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata, users
from mechshare.adapters.persistence.sql.types import Id, UtcTime
from mechshare.domain.errors import MechanismNotFound, StaleVersion
from mechshare.domain.ids import MechanismId
from mechshare.domain.reliability import AuthoredChange, ReliabilityChange
from mechshare.ports.persistence.reliability import ReliabilityHistory

reliability_changes = Table(
    "reliability_changes",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Stays when the account is deleted, so it can't be a foreign key.
    Column("changed_by", Id, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("level", Integer),
    Column("reason", Text, nullable=False),
)

_CHANGE = record_of(ReliabilityChange, reliability_changes)
_INSERT = insert(reliability_changes)
_OF_MECHANISM = (
    select(reliability_changes, users.c.display_name)
    .join(users, users.c.id == reliability_changes.c.changed_by, isouter=True)
    .where(reliability_changes.c.mechanism_id == bindparam("mechanism_id"))
    .order_by(reliability_changes.c.version.desc())
    .limit(bindparam("limit"))
)


class SqlReliabilityHistory(ReliabilityHistory):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, changes: Sequence[ReliabilityChange]) -> None:
        try:
            if changes:
                await self._statements.change(_INSERT, list(map(_CHANGE.values, changes)))
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
        except UniqueViolated as problem:
            raise StaleVersion() from problem

    async def find_of(self, mechanism_id: MechanismId, *, limit: int) -> tuple[AuthoredChange, ...]:
        rows = await self._statements.rows(_OF_MECHANISM, {"mechanism_id": mechanism_id, "limit": limit})
        return tuple(AuthoredChange(change=_CHANGE.value(own), name=name) for *own, name in rows)
