"""aiosqlite with one thread hop per statement.

An aiosqlite cursor hops to the connection's thread four times: to be created, to execute, to fetch and to be closed.
These hops cost several times what SQLite takes to find a row. This cursor hops once and fetches all rows at once;
SQLAlchemy buffers all rows anyway.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Self

import aiosqlite

_ROWS_AT_A_TIME = 64


class OneTripCursor:
    arraysize = 1

    def __init__(self, connection: "OneTripConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "OneTripCursor":
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> "OneTripCursor":
        await self._connection.run(self._fetch, sqlite3.Connection.execute, operation, parameters)
        return self

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> "OneTripCursor":
        await self._connection.run(self._fetch, sqlite3.Connection.executemany, operation, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Does nothing: `_fetch` has closed SQLite's cursor."""

    def _fetch(
        self, connection: sqlite3.Connection, execute: Callable[..., sqlite3.Cursor], *arguments: Any
    ) -> None:
        """Runs in the connection's thread."""
        cursor = execute(connection, *arguments)
        self._rows = cursor.fetchall()
        self.description, self.rowcount = cursor.description, cursor.rowcount
        self.lastrowid = cursor.lastrowid
        cursor.close()


class OneTripConnection(aiosqlite.Connection):
    @classmethod
    def to(cls, *arguments: Any, **options: Any) -> Self:
        """Returns a connection to await. Takes the arguments of `sqlite3.connect`."""
        connection = cls(lambda: sqlite3.connect(*arguments, **options), _ROWS_AT_A_TIME)
        connection._thread.daemon = True  # otherwise a process that fails would wait for this thread
        return connection

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        return OneTripCursor(self)

    def interrupt_statement(self) -> None:
        """Makes the statement under way raise OperationalError (SQLITE_INTERRUPT); no-op if there is none."""
        if self._connection is not None:
            self._connection.interrupt()

    async def run(self, work: Callable[..., None], *arguments: Any) -> None:
        """Runs `work` in the connection's thread, with SQLite's connection as its first argument."""
        await self._execute(work, self._conn, *arguments)  # type: ignore[no-untyped-call]


class StatementEnded(Exception):
    """The task was cancelled while the statement ran, which has ended since.

    Not a CancelledError: SQLAlchemy would close the connection, and thus roll back what others wrote in the
    transaction.
    """


class WriterConnection(OneTripConnection):
    """Ends each statement, even if its task is cancelled."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._first: list[str] = []

    def before_next(self, statement: str) -> None:
        """Runs `statement` right before the next one, without a hop of its own."""
        self._first.append(statement)

    async def rollback(self) -> None:
        self._first.clear()
        await super().rollback()

    async def run(self, work: Callable[..., None], *arguments: Any) -> None:
        """Raises StatementEnded if the task is cancelled."""
        first, self._first = self._first, []
        try:
            await super().run(_after(first, work), *arguments)
        except asyncio.CancelledError as cancelled:
            await self._become_idle()
            raise StatementEnded() from cancelled

    async def _become_idle(self) -> None:
        """Waits until the connection's thread has done all its work, however often the task is cancelled meanwhile."""
        idle = asyncio.ensure_future(self._execute(lambda: None))  # type: ignore[no-untyped-call]
        while not idle.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(idle)


def _after(first: Sequence[str], work: Callable[..., None]) -> Callable[..., None]:
    def run_all(connection: sqlite3.Connection, *arguments: Any) -> None:
        for statement in first:
            connection.execute(statement)
        work(connection, *arguments)

    return run_all if first else work
