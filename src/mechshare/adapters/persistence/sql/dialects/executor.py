"""Executes the statements of one unit of work."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

Parameters = Mapping[str, Any]
StatementTimeout = Callable[[AsyncConnection], AbstractContextManager[None]]


class Executed(Protocol):
    @property
    def rowcount(self) -> int:
        """The number of rows changed. It has no meaning for several sets of parameters."""
        ...

    def all(self) -> Sequence[Any]:
        """Returns the rows. The values of each are in the order of the statement's columns."""
        ...


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
        with self._statement_timeout(self._connection):
            return await self._connection.execute(statement, parameters)
