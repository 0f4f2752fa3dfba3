"""How repositories have their statements executed."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects.dialect import Dialect
from mechshare.adapters.persistence.sql.errors import translated

Parameters = Mapping[str, Any]


class Statements:
    """One connection, for as long as the unit of work lasts. Raises what `translated` says."""

    def __init__(self, connection: AsyncConnection, dialect: Dialect, *, is_writing: bool) -> None:
        self._connection = connection
        self._dialect = dialect
        self._is_writing = is_writing

    async def lock_row(self, id: Column[Any], value: Any, *, may_be_deleted: bool = True) -> None:
        """In a transaction: what is then read of the row with this identifier is what it will stay to the end.

        It is read by a statement of its own: one that had to wait here would show its other tables as they were.
        Where it won't be deleted, others may write rows that refer to it meanwhile.
        """
        if self._is_writing:
            with translated(is_writing=self._is_writing):
                await self._dialect.lock_row(self._connection, id, value, may_be_deleted=may_be_deleted)

    async def advisory_lock(self, name: str) -> None:
        """In a transaction: waits for others that hold `name`, for what no row stands for yet."""
        if self._is_writing:
            with translated(is_writing=self._is_writing):
                await self._dialect.advisory_lock(self._connection, name)

    async def rows(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Any]:
        with translated(is_writing=self._is_writing), self._dialect.statement_timeout(self._connection):
            return (await self._connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first row, None if there is none."""
        found = await self.rows(statement, parameters)
        return found[0] if found else None

    async def change(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> int:
        """How many rows were changed; of no meaning for several sets of parameters."""
        with translated(is_writing=self._is_writing), self._dialect.statement_timeout(self._connection):
            return (await self._connection.execute(statement, parameters)).rowcount
