"""How repositories in memory reach the tables and the clock of their unit of work."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from mechshare.adapters.persistence.memory.table import Rows, Table, Tables, WritableRows
from mechshare.ports.clock import Clock

T = TypeVar("T")


class Access:
    """The way to the tables for as long as the unit of work lasts: a transaction's own, or those last committed."""

    def __init__(self, tables: Callable[[], Tables], clock: Clock, *, is_writing: bool) -> None:
        self._tables = tables
        self._clock = clock
        self._is_writing = is_writing
        self._has_ended = False

    def read(self, table: Table[T]) -> Rows[T]:
        """Raises RuntimeError when the unit of work has ended."""
        return Rows(table, self._open())

    def write(self, table: Table[T]) -> WritableRows[T]:
        """Raises RuntimeError outside a transaction, and when the unit of work has ended."""
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
