"""All that differs between the databases this adapter speaks to: here what they have in common, a module for each."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mechshare.adapters.persistence.sql.types import UtcTime


class Now(FunctionElement[Any]):
    """The time by the database's own clock, moved on by an argument in microseconds."""

    type = UtcTime()
    inherit_cache = True


@compiles(Now, "postgresql")
def _postgresql_now(element: Now, compiler: SQLCompiler, **options: Any) -> str:
    # The statement's time, not the transaction's, which may have waited for a lock since; and stable within the
    # statement, which a condition must be for an index to be used.
    moved_on = compiler.process(element.clauses, **options)
    return f"(statement_timestamp() + {moved_on} * interval '1 microsecond')"


@compiles(Now, "sqlite")
def _now(element: Now, compiler: SQLCompiler, **options: Any) -> str:
    moved_on = compiler.process(element.clauses, **options)
    return f"(CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER) + {moved_on})"


class CategoriesOfMechanism(FunctionElement[str]):
    """The categories of the row of `mechanisms` in their order, joined by commas; NULL where there are none."""

    type = String()
    inherit_cache = True


@compiles(CategoriesOfMechanism, "postgresql")
def _postgresql_categories(element: CategoriesOfMechanism, compiler: SQLCompiler, **options: Any) -> str:
    return (
        "(SELECT string_agg(category_id, ',' ORDER BY position) FROM mechanism_categories"
        " WHERE mechanism_id = mechanisms.id)"
    )


@compiles(CategoriesOfMechanism, "sqlite")
def _categories_of_mechanism(element: CategoriesOfMechanism, compiler: SQLCompiler, **options: Any) -> str:
    # The aggregate of an ordered subquery, as its own ORDER BY is unknown before SQLite 3.44.
    return (
        "(SELECT group_concat(category_id) FROM (SELECT category_id FROM mechanism_categories"
        " WHERE mechanism_id = mechanisms.id ORDER BY position))"
    )


class IsAmong(FunctionElement[Any]):
    """Whether the first argument is one of those in the second, an `IdList`."""

    type = NullType()  # SQLite would compare a boolean with 1, and then use no index
    inherit_cache = True


@compiles(IsAmong, "postgresql")
def _postgresql_is_among(element: IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    one, all = (compiler.process(clause, **options) for clause in element.clauses)
    # By a query of its own: PostgreSQL would read the list again for every row of a table that it scans, which it does
    # while it does not know yet how many rows there are.
    return f"{one} = ANY(CAST((SELECT CAST({all} AS UUID[])) AS UUID[]))"


@compiles(IsAmong, "sqlite")
def _is_among(element: IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    one, all = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{one} IN (SELECT value FROM json_each({all}))"  # noqa: S608 - both are the compiler's own


class NotExclusive(Exception):
    """A database can't be had alone. The message goes on from a name of the database: "is in use ..."."""


class DatabaseMissing(NotExclusive):
    """There is no such database."""


class Dialect(Protocol):
    """`reader` is for single statements outside any transaction, on connections that cannot write."""

    reader: AsyncEngine
    writer: AsyncEngine
    reads_at_a_time: int

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction. What is held in it nobody else changes before it ends."""
        ...

    def guard(self) -> AbstractAsyncContextManager[None]:
        """Around each unit of work. Raises Unavailable at once while the database is known not to answer."""
        ...

    def statement_timeout(self, connection: AsyncConnection) -> AbstractContextManager[None]:
        """Around each statement: what takes too long is given up."""
        ...

    async def lock_row(
        self, connection: AsyncConnection, id: Column[Any], value: Any, *, may_be_deleted: bool
    ) -> None:
        """Nobody else changes the row with this identifier before the transaction ends, nor refers to it where it may
        be deleted; waits for who does."""
        ...

    async def advisory_lock(self, connection: AsyncConnection, name: str) -> None:
        """Of the transactions that hold this name, one at a time goes on."""
        ...

    async def prepare(self) -> None:
        """What has to be there before the first migration."""
        ...

    def migrate(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that takes its time. Of many that are begun at once, on however many hosts, one goes on."""
        ...

    def exclusive(self, *, is_changing: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection without a statement timeout, whose transactions end with `commit`; no other can be open.

        Without `is_changing` it must not commit. Raises NotExclusive where somebody else has the database open.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that cannot write, without a statement timeout: all it reads is as it was when it first read.

        Nobody is kept from writing meanwhile. Raises DatabaseMissing.
        """
        ...

    async def version(self, connection: AsyncConnection) -> str: ...
