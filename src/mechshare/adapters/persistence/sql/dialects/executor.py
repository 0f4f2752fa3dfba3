"""Executes the statements of one unit of work."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

_BATCH_SIZE = 100
"""Sets of parameters under one timeout, at most: a statement for many rows may take longer than for one."""

Parameters = dict[str, Any]
StatementTimeout = Callable[[AsyncConnection], AbstractContextManager[object]]


class Executed(NamedTuple):
    rows: Sequence[Any]
    """The values of each row are in the order of the statement's columns."""
    rowcount: int
    """The number of rows changed. It has no meaning for several sets of parameters."""


class Executor(Protocol):
    async def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        """Aborts a statement that takes too long. Raises SQLAlchemyError."""
        ...


class ConnectionExecutor:
    """Executes all statements on SQLAlchemy's connection."""

    def __init__(self, connection: AsyncConnection, statement_timeout: StatementTimeout) -> None:
        self._connection = connection
        self._statement_timeout = statement_timeout

    async def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        if parameters is None or isinstance(parameters, dict):
            return await self._execute(statement, parameters)
        for start in range(0, len(parameters), _BATCH_SIZE):
            executed = await self._execute(statement, parameters[start : start + _BATCH_SIZE])
        return executed

    async def _execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        with self._statement_timeout(self._connection):
            found = await self._connection.execute(statement, parameters)
        rowcount = found.rowcount
        return Executed(found.all() if found.returns_rows else (), rowcount)
