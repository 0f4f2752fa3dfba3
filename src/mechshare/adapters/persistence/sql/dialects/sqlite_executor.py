"""Executes statements of SQLAlchemy on SQLite's driver.

SQLAlchemy's connection takes a tenth of a millisecond for a statement that takes SQLite a few microseconds, and several
times as long when other work has used the processor's cache. Here SQLAlchemy compiles each statement once and its types
convert the values; the driver does the rest.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ClauseElement, Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from mechshare.adapters.persistence.sql.dialects.executor import (
    ConnectionExecutor,
    Executed,
    Parameters,
)
from mechshare.adapters.persistence.sql.dialects.sqlite_connection import (
    QuickConnection,
    StatementEnded,
)

Convert = Callable[[Any], Any]
_DIALECT = sqlite.dialect()
_MAX_COMPILED = 2_000


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    own: Mapping[str, Any]
    """The statement's own parameters."""
    places: Sequence[tuple[str, Convert | None]]
    """The parameter of each place in `sql`, and what converts its value."""
    width: int
    columns: Sequence[tuple[int, Convert]]
    """The columns whose values are converted."""

    def values(self, parameters: Parameters) -> Sequence[Any]:
        given = {**self.own, **parameters}
        return [given[name] if convert is None else convert(given[name]) for name, convert in self.places]

    def converted(self, rows: Sequence[Any]) -> Sequence[Any]:
        return list(map(self._row, rows)) if self.columns else rows

    def _row(self, found: Sequence[Any]) -> Sequence[Any]:
        if len(found) != self.width:
            raise TypeError(f"{len(found)} columns instead of {self.width}: {self.sql}")
        values = list(found)
        for place, convert in self.columns:
            values[place] = convert(values[place])
        return tuple(values)


class DriverExecutor:
    """Executes statements on the driver's connection; on SQLAlchemy's those whose text depends on the values."""

    def __init__(self, connection: AsyncConnection, driver: QuickConnection) -> None:
        self._connection = connection
        self._driver = driver

    async def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        given = parameters or {}
        compiled = _compiled(statement, tuple(given if isinstance(given, dict) else given[0]))
        if compiled is None:
            return await self._execute_uncompiled(statement, parameters)
        try:
            if not isinstance(given, dict):
                several = list(map(compiled.values, given))
                return Executed((), await self._driver.run_many(compiled.sql, several))
            fetched = await self._driver.run(compiled.sql, compiled.values(given))
            return Executed(compiled.converted(fetched.rows), fetched.rowcount)
        except sqlite3.Error as problem:
            raise DBAPIError.instance(compiled.sql, parameters, problem, sqlite3.Error) from problem
        except StatementEnded as ended:
            raise asyncio.CancelledError from ended

    async def _execute_uncompiled(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        try:
            return await ConnectionExecutor(self._connection, nullcontext).execute(statement, parameters)
        except StatementEnded as ended:
            raise asyncio.CancelledError from ended


class ReaderExecutor(DriverExecutor):
    """Interrupts a statement after `timeout` seconds. Closes the connection if the task is cancelled during a
    statement; the pool opens a new one."""

    def __init__(self, connection: AsyncConnection, driver: QuickConnection, timeout: float) -> None:
        super().__init__(connection, driver)
        self._timeout = timeout

    async def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None
    ) -> Executed:
        with Interruption(self._driver, self._timeout):
            try:
                return await super().execute(statement, parameters)
            except asyncio.CancelledError:
                # The connection's thread may still run the statement: the timeout, which still counts, interrupts it.
                await self._connection.invalidate()
                raise


class Interruption:
    """Interrupts the statement of a connection that has not ended after `seconds`."""

    def __init__(self, driver: QuickConnection, seconds: float) -> None:
        self._driver = driver
        self._seconds = seconds

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._driver.interrupt_statement)

    def __exit__(self, *problem: object) -> None:
        self._timer.cancel()


async def execute_command(driver: QuickConnection, command: str) -> None:
    """Executes a statement without parameters and rows. Raises SQLAlchemyError."""
    try:
        await driver.run(command)
    except sqlite3.Error as problem:
        raise DBAPIError.instance(command, None, problem, sqlite3.Error) from problem


def driver_of(connection: AsyncConnection) -> QuickConnection:
    """Returns the driver's connection of an open connection."""
    opened: Any = connection.sync_connection
    driver: QuickConnection = opened.connection.dbapi_connection.driver_connection
    return driver


@lru_cache(maxsize=_MAX_COMPILED)
def _compiled(statement: Executable, names: tuple[str, ...]) -> _Compiled | None:
    """Compiles a statement for parameters with these names. Returns None if its text depends on their values."""
    compiled = cast(
        SQLCompiler, cast(ClauseElement, statement).compile(dialect=_DIALECT, column_keys=list(names))
    )
    binds = compiled.binds
    if any(one.literal_execute or (one.expanding and one.required) for one in binds.values()):
        return None
    required = {name for name, one in binds.items() if one.required}
    # Lists of constants get a parameter for each element.
    expanded = compiled.construct_expanded_state(dict.fromkeys(required))
    types = {name: one.type for name, one in binds.items()}
    for name, elements in expanded.parameter_expansion.items():
        types |= dict.fromkeys(elements, types[name])
    columns = [_from_database(column.type) for column in getattr(statement, "exported_columns", ())]
    return _Compiled(
        sql=expanded.statement,
        own={name: value for name, value in expanded.parameters.items() if name not in required},
        places=[(name, _to_database(types[name])) for name in expanded.positiontup or ()],
        width=len(columns),
        columns=[(place, convert) for place, convert in enumerate(columns) if convert is not None],
    )


def _to_database(type: TypeEngine[Any]) -> Convert | None:
    return type.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _from_database(type: TypeEngine[Any]) -> Convert | None:
    return type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
