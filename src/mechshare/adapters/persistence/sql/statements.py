"""Executes the statements of repositories."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Executable
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects.dialect import Dialect
from mechshare.adapters.persistence.sql.dialects.executor import Executed, Parameters
from mechshare.adapters.persistence.sql.errors import translation_of


class Statements:
    """One connection, until `close`. Every method raises what `translated` documents, and RuntimeError after `close`:
    the connection then belongs to another unit of work."""

    def __init__(self, connection: AsyncConnection, dialect: Dialect, *, is_writing: bool) -> None:
        self._connection = connection
        self._dialect = dialect
        self._is_writing = is_writing
        self._executor = dialect.executor(connection)
        self._is_open = True

    def close(self) -> None:
        self._is_open = False

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("the unit of work has ended: do all that belongs to it within its block")

    async def lock_row(self, id: Column[Any], value: Any, *, may_be_deleted: bool = True) -> None:
        """In a transaction, locks the row with this identifier: what is then read of it stays valid until the end.

        Read the row by a separate statement: one that waits for the lock sees other tables as they were before the
        wait. Without `may_be_deleted`, others may still insert rows that refer to it.
        """
        if self._is_writing:
            self._require_open()
            try:
                await self._dialect.lock_row(self._connection, id, value, may_be_deleted=may_be_deleted)
            except SQLAlchemyError as problem:
                raise translation_of(problem, self._is_writing) from problem

    async def advisory_lock(self, name: str) -> None:
        """In a transaction, locks `name`: for conditions on rows that may not exist yet. Waits for other holders."""
        if self._is_writing:
            self._require_open()
            try:
                await self._dialect.advisory_lock(self._connection, name)
            except SQLAlchemyError as problem:
                raise translation_of(problem, self._is_writing) from problem

    async def rows(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Any]:
        return (await self._execute(statement, parameters)).rows

    async def row(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """Returns the first row, or None."""
        found = (await self._execute(statement, parameters)).rows
        return found[0] if found else None

    async def change(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> int:
        """Returns the number of rows changed. It has no meaning for several sets of parameters."""
        return (await self._execute(statement, parameters)).rowcount

    async def _execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        self._require_open()
        try:
            return await self._executor.execute(statement, parameters)
        except SQLAlchemyError as problem:
            raise translation_of(problem, self._is_writing) from problem
