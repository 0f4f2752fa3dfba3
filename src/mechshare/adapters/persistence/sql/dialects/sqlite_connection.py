"""aiosqlite without thread hops for statements that take less time than a hop.

An aiosqlite cursor hops to the connection's thread four times: to be created, to execute, to fetch and to be closed.
Each hop costs several times what SQLite takes to find a row, and the event loop gives each result its turn only after
all other work. These cursors fetch all rows at once, as SQLAlchemy would, and run quick statements in the thread of the
event loop.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self

import aiosqlite

Execute = Callable[[sqlite3.Connection, str, Any], sqlite3.Cursor]
_ITER_ROWS = 64
"""aiosqlite wants it for cursors that fetch in chunks; these cursors fetch all rows at once."""
_TURN = 0.005
"""Seconds after which quick statements let others have the event loop."""
_QUICK_INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between two calls of the progress handler: some milliseconds."""
_SLOW_CALLS = 2
"""Calls of the progress handler that show a statement to be slow. SQLite counts the instructions of earlier executions
of the same statement, too, so the first call says nothing."""
_CHECK_INTERVAL = 1_000_000
"""Instructions of a slow statement between two checks whether it was interrupted."""
_SLOW_FOR = 10.0
"""Seconds for which a query runs in the connection's thread after it was not quick: with other parameters it may be."""
_LOCK_INTERVAL = 0.002
"""Seconds between two attempts to get a lock. SQLite itself pauses for up to 0.1 s, in which other processes that write
all the time would get the lock again and again."""
_MAX_SLOW = 1_000
_BATCH_SIZE = 64
"""The maximum number of sets of parameters in one execution of a statement."""
_WAITING = ("COMMIT", "PRAGMA", "ROLLBACK")
"""The beginnings of statements that wait for the disk, or read the whole database."""


class Fetched(NamedTuple):
    """What a statement returned."""

    rows: Sequence[Any]
    rowcount: int
    description: Any
    lastrowid: int | None


class QuickCursor:
    """The cursor that SQLAlchemy uses."""

    arraysize = 1

    def __init__(self, connection: "QuickConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "QuickCursor":
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> "QuickCursor":
        fetched = await self._connection.run(operation, parameters)
        self._rows, self.rowcount, self.description, self.lastrowid = fetched
        return self

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> "QuickCursor":
        self.rowcount = await self._connection.run_many(operation, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Does nothing: `_fetch` has closed SQLite's cursor."""


class QuickConnection(aiosqlite.Connection):
    """Runs a statement in the thread of the event loop, unless it waits for the disk or has not been quick lately;
    those run in the connection's thread. A statement that finds the database locked is tried again."""

    _is_read_only = True
    """Whether every statement may be interrupted: an interrupted change rolls the transaction back."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._slow: dict[str, float] = {}
        """Until when (`time.monotonic()`) a statement runs in the connection's thread."""
        self._is_interrupted = False
        self._can_interrupt = False
        self._progress_calls = 0
        """Calls of the progress handler by the statement that runs, or ran last."""
        self._spent = 0.0
        """Seconds for which statements have held up the event loop since others had their turn."""
        self._timeout = 0.0

    @classmethod
    def to(cls, *arguments: Any, timeout: float, **options: Any) -> Self:
        """Returns a connection to await. Takes the arguments of `sqlite3.connect`."""
        options["timeout"] = 0.0
        connection = cls(lambda: sqlite3.connect(*arguments, **options), _ITER_ROWS)
        connection._timeout = timeout
        connection._thread.daemon = True  # otherwise a process that fails would wait for this thread
        return connection

    def cursor(self) -> QuickCursor:  # type: ignore[override]
        return QuickCursor(self)

    def interrupt_statement(self) -> None:
        """Makes the statement under way raise OperationalError (SQLITE_INTERRUPT); no-op if there is none."""
        if self._connection is not None:
            self._is_interrupted = True  # SQLite forgets it if the thread has not begun the statement
            self._connection.interrupt()

    async def run_many(self, operation: str, several: Sequence[Sequence[Any]]) -> int:
        """Executes `operation` once for each set of parameters; returns the number of rows changed."""
        # In the connection's thread, each row would wait for the interpreter's lock, for 5 ms on a busy server.
        changed = 0
        for start in range(0, len(several), _BATCH_SIZE):
            batch = several[start : start + _BATCH_SIZE]
            changed += (await self.run(operation, batch, sqlite3.Connection.executemany)).rowcount
        return changed

    async def run(
        self, operation: str, parameters: Sequence[Any] = (), execute: Execute = sqlite3.Connection.execute
    ) -> Fetched:
        """Executes a statement, again if it had to be interrupted in this thread, and while the database is locked."""
        self._is_interrupted = False
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return await self._run_once(operation, parameters, execute)
            except sqlite3.OperationalError as problem:
                if not _is(problem, "SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_LOCK_INTERVAL)

    async def _run_once(self, operation: str, parameters: Sequence[Any], execute: Execute) -> Fetched:
        begun = time.monotonic()
        if self._slow.get(operation, 0.0) > begun or self._waits_for_disk(operation):
            return await self._run_in_thread(operation, parameters, execute)
        connection = self._conn
        self._progress_calls = 0
        self._can_interrupt = self._is_read_only or operation.startswith("SELECT")
        connection.set_progress_handler(self._on_progress, _QUICK_INSTRUCTIONS)
        try:
            fetched = _fetch(connection, operation, parameters, execute)
        except sqlite3.OperationalError as problem:
            if not _is(problem, "SQLITE_INTERRUPT"):
                raise
            self._note_slow(operation, _SLOW_FOR)
            return await self._run_in_thread(operation, parameters, execute)
        if self._progress_calls >= _SLOW_CALLS:
            self._note_slow(operation, float("inf"))
        self._spent += time.monotonic() - begun
        if self._spent > _TURN:
            self._spent = 0.0
            await asyncio.sleep(0)
        return fetched

    def _on_progress(self) -> bool:
        """SQLite calls this after each _QUICK_INSTRUCTIONS, and interrupts the statement if it returns True."""
        self._progress_calls += 1
        return self._can_interrupt and self._progress_calls >= _SLOW_CALLS

    def _waits_for_disk(self, operation: str) -> bool:
        return operation.startswith(_WAITING)

    async def _run_in_thread(self, *statement: Any) -> Fetched:
        fetched: Fetched = await self._execute(self._run_slowly, *statement)  # type: ignore[no-untyped-call]
        return fetched

    def _run_slowly(self, *statement: Any) -> Fetched:
        self._conn.set_progress_handler(lambda: self._is_interrupted, _CHECK_INTERVAL)
        return _fetch(self._conn, *statement)

    def _note_slow(self, operation: str, seconds: float) -> None:
        """Has `operation` run in the connection's thread for so many seconds."""
        if len(self._slow) >= _MAX_SLOW:
            self._slow.clear()
        self._slow[operation] = time.monotonic() + seconds


class StatementEnded(Exception):
    """The task was cancelled while the statement ran, which has ended since.

    Not a CancelledError: SQLAlchemy would close the connection, and thus roll back what others wrote in the
    transaction.
    """


class WriterConnection(QuickConnection):
    """Ends each statement, even if its task is cancelled."""

    _is_read_only = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._first: list[str] = []
        self._changes = 0
        """SQLite's count of changed rows at the beginning of the transaction."""

    def before_next(self, statement: str) -> None:
        """Runs `statement` right before the next one."""
        self._first.append(statement)

    async def rollback(self) -> None:
        self._first.clear()
        if self._conn.in_transaction:
            await super().rollback()

    async def run(
        self, operation: str, parameters: Sequence[Any] = (), execute: Execute = sqlite3.Connection.execute
    ) -> Fetched:
        """Raises StatementEnded if the task is cancelled."""
        first, self._first = self._first, []
        try:
            for statement in first:
                self._conn.execute(statement)
            return await super().run(operation, parameters, execute)
        except asyncio.CancelledError as cancelled:
            await self._become_idle()
            raise StatementEnded() from cancelled

    def _waits_for_disk(self, operation: str) -> bool:
        if operation.startswith("BEGIN"):
            self._changes = self._conn.total_changes
        return operation.startswith(_WAITING) and not (
            operation == "COMMIT" and self._conn.total_changes == self._changes
        )

    async def _become_idle(self) -> None:
        """Waits until the connection's thread has done all its work, however often the task is cancelled meanwhile."""
        idle = asyncio.ensure_future(self._execute(lambda: None))  # type: ignore[no-untyped-call]
        while not idle.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(idle)


def _fetch(
    connection: sqlite3.Connection, operation: str, parameters: Sequence[Any], execute: Execute
) -> Fetched:
    cursor = execute(connection, operation, parameters)
    rows = cursor.fetchall()
    cursor.close()
    return Fetched(rows, cursor.rowcount, cursor.description, cursor.lastrowid)


def _is(problem: sqlite3.OperationalError, name: str) -> bool:
    # Errors of Python's module itself have no name.
    return str(getattr(problem, "sqlite_errorname", "")).startswith(name)
