"""The access of in-memory repositories to the tables and the clock of their unit of work."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from mechshare.adapters.persistence.memory.table import Rows, Table, Tables, WritableRows
from mechshare.ports.clock import Clock

T = TypeVar("T")


class Access:
    """Gives access to the tables until the unit of work ends: a transaction's own copy, or the last committed ones."""

    def __init__(self, tables: Callable[[], Tables], clock: Clock, *, is_writing: bool) -> None:
        self._tables = tables
        self._clock = clock
        self._is_writing = is_writing
        self._has_ended = False

    def read(self, table: Table[T]) -> Rows[T]:
        """Returns the rows of `table`. Raises RuntimeError after the unit of work has ended."""
        return Rows(table, self._open())

    def write(self, table: Table[T]) -> WritableRows[T]:
        """Returns the rows of `table` for writing.

        Raises RuntimeError outside a transaction and after the unit of work has ended.
        """
        if not self._is_writing:
            raise RuntimeError("written outside a transaction: use begin()")
        return WritableRows(table, self._open())

    def now(self) -> datetime:
        return self._clock.now()

    def end(self) -> None:
        self._has_ended = True

    def _open(self) -> Tables:
        if self._has_ended:
            raise RuntimeError("the unit of work has ended: do all that belongs to it within its block")
        return self._tables()
