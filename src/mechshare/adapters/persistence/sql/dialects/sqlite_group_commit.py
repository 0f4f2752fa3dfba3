"""Commits units of work that wait for SQLite's only writer together."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import cast

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects.sqlite_connection import WriterConnection
from mechshare.adapters.persistence.sql.dialects.sqlite_executor import driver_of, execute_command
from mechshare.domain.overload import Busy

MAX_UNITS = 32
"""Units of work of one transaction: the first ones wait for the last one before they are committed."""


class GroupCommit:
    """Runs units of work one after the other. Those that begin while others run share a transaction with them, since
    a commit waits for the disk as long for many as for one.

    A unit that fails is rolled back alone. When the transaction fails, all its units do.
    """

    def __init__(
        self, connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]], *, timeout: float
    ) -> None:
        """`connect` lends the writer's connection, and rolls back what was not committed. `timeout` is how many seconds
        a unit waits for its turn."""
        self._connect = connect
        self._timeout = timeout
        self._waiting: deque[_Unit] = deque()
        self._task: asyncio.Task[None] | None = None

    def unit(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Runs a unit of work, and returns when it is committed durably. Raises Busy if it has to wait too long for its
        turn, and what makes the transaction fail."""
        return _Unit(self._begin, self._timeout)

    def _begin(self, unit: "_Unit") -> None:
        self._waiting.append(unit)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Runs in a task of its own, so that cancelling one unit of work does not cancel the others."""
        while first := self._next():
            transaction = [first]
            try:
                await self._run_transaction(transaction)
            except Exception as problem:
                for unit in transaction:
                    unit.fail(problem)
            else:
                for unit in transaction:
                    unit.succeed()

    def _next(self) -> "_Unit | None":
        while self._waiting:
            unit = self._waiting.popleft()
            if not unit.ended.done():
                return unit
        return None

    async def _run_transaction(self, units: list["_Unit"]) -> None:
        """Runs the first unit, then adds and runs those that wait, and commits all."""
        async with self._connect() as connection:
            # Takes the write lock, so that no statement has to wait for it.
            driver = cast(WriterConnection, driver_of(connection))
            await execute_command(driver, "BEGIN IMMEDIATE")
            if await units[0].run(connection):
                return  # which rolls the transaction back
            while len(units) < MAX_UNITS and (unit := self._next()):
                units.append(unit)
                await _run_in_savepoint(connection, driver, unit)
            await execute_command(driver, "COMMIT")


class _Unit:
    """Connects the task of a unit of work with the task that runs the transactions."""

    def __init__(self, begin: Callable[["_Unit"], None], timeout: float) -> None:
        self._begin = begin
        self._timeout = timeout
        loop = asyncio.get_running_loop()
        self.turn: asyncio.Future[AsyncConnection] = loop.create_future()
        """The connection, once the unit may use it."""
        self.ended: asyncio.Future[BaseException | None] = loop.create_future()
        """What the unit raised, once it has ended; None if it raised nothing."""
        self.committed: asyncio.Future[None] = loop.create_future()
        """Done once the transaction is durable."""

    async def __aenter__(self) -> AsyncConnection:
        self._begin(self)
        try:
            async with asyncio.timeout(self._timeout):
                return await self.turn
        except BaseException as problem:
            self._abort(problem)
            if isinstance(problem, TimeoutError):
                raise Busy() from problem
            raise

    async def __aexit__(self, kind: object, problem: BaseException | None, traceback: object) -> None:
        if problem is not None and not isinstance(problem, Exception):
            self._abort(problem)
            return
        self._end(problem)
        # The problem may be due to what earlier units of the transaction wrote, which must stay hidden until it is
        # committed.
        await self.committed

    def _abort(self, problem: BaseException) -> None:
        self.committed.cancel()
        self._end(problem)

    async def run(self, connection: AsyncConnection) -> BaseException | None:
        """Lets the unit use the connection; returns what it raised."""
        if not self.turn.done():
            self.turn.set_result(connection)
        return await self.ended

    def _end(self, problem: BaseException | None) -> None:
        # The end of an event loop cancels the task that runs the transactions, too: nothing is committed any more.
        if self.ended.cancelled():
            self.committed.cancel()
        else:
            self.ended.set_result(problem)

    def succeed(self) -> None:
        if not self.committed.done():
            self.committed.set_result(None)

    def fail(self, problem: Exception) -> None:
        awaited = self.committed if self.turn.done() else self.turn
        if not awaited.done():
            awaited.set_exception(problem)


async def _run_in_savepoint(connection: AsyncConnection, driver: WriterConnection, unit: _Unit) -> None:
    driver.before_next("SAVEPOINT unit")
    if problem := await unit.run(connection):
        try:
            await execute_command(driver, "ROLLBACK TO unit")
        except DBAPIError:
            raise problem from None  # a full disk, for example: SQLite has rolled back the whole transaction
    driver.before_next("RELEASE unit")
