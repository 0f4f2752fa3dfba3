"""The interface of the supported SQL dialects. Each dialect has a module of its own."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Column, Integer, String
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mechshare.adapters.persistence.sql.dialects.executor import Executor
from mechshare.adapters.persistence.sql.types import UtcTime


class Now(FunctionElement[Any]):
    """The current time by the database's clock, plus an argument in microseconds."""

    type = UtcTime()
    inherit_cache = True


@compiles(Now, "postgresql")
def _postgresql_now(element: Now, compiler: SQLCompiler, **options: Any) -> str:
    # Not the transaction's start: the transaction may have waited for a lock since. Unlike clock_timestamp(), this is
    # stable within the statement, so that conditions on it can use an index.
    shifted = compiler.process(element.clauses, **options)
    return f"(statement_timestamp() + {shifted} * interval '1 microsecond')"


@compiles(Now, "sqlite")
def _now(element: Now, compiler: SQLCompiler, **options: Any) -> str:
    shifted = compiler.process(element.clauses, **options)
    return f"(CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER) + {shifted})"


class CategoriesOfMechanism(FunctionElement[str]):
    """The categories of a row of `mechanisms` in their order, joined by commas; NULL if there are none."""

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
    # Aggregates an ordered subquery: SQLite before 3.44 has no ORDER BY inside aggregates.
    return (
        "(SELECT group_concat(category_id) FROM (SELECT category_id FROM mechanism_categories"
        " WHERE mechanism_id = mechanisms.id ORDER BY position))"
    )


class IsAmong(FunctionElement[Any]):
    """Whether the first argument is an element of the second, an `IdList`."""

    type = NullType()  # SQLAlchemy would compare a Boolean with 1 on SQLite, which then uses no index
    inherit_cache = True


@compiles(IsAmong, "postgresql")
def _postgresql_is_among(element: IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    member, ids = (compiler.process(clause, **options) for clause in element.clauses)
    # In a subquery, which PostgreSQL evaluates once. Otherwise a sequential scan, which it chooses while it has no
    # statistics of the table, would parse the list again for every row.
    return f"{member} = ANY(CAST((SELECT CAST({ids} AS UUID[])) AS UUID[]))"


@compiles(IsAmong, "sqlite")
def _is_among(element: IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    member, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{member} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - both are the compiler's own


class Window(FunctionElement[int]):
    """The LIMIT of a subquery from which a further LIMIT takes a page: on PostgreSQL the first argument, a constant; on
    SQLite the second one, as few rows as the page needs.

    PostgreSQL estimates a LIMIT given as a parameter at a tenth of the rows, whatever its value. With a constant
    subquery it uses a generic plan; a plan for each value would take as long as finding the page.
    """

    type = Integer()
    inherit_cache = True


@compiles(Window, "postgresql")
def _postgresql_window(element: Window, compiler: SQLCompiler, **options: Any) -> str:
    constant, _ = element.clauses
    return compiler.process(constant, **options)


@compiles(Window, "sqlite")
def _window(element: Window, compiler: SQLCompiler, **options: Any) -> str:
    _, needed = element.clauses
    return compiler.process(needed, **options)


class NotExclusive(Exception):
    """Exclusive access is not available. The message is a predicate, to follow the name of the database: "is in
    use ..."."""


class DatabaseMissing(NotExclusive):
    """The database does not exist."""


class Dialect(Protocol):
    """`writer` opens connections that may write. `reads_at_a_time`: see the port `Database`."""

    writer: AsyncEngine
    reads_at_a_time: int

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lends a read-only connection for single statements outside any transaction."""
        ...

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Runs a transaction. Rows and names locked in it stay locked until it ends."""
        ...

    def guard(self) -> AbstractAsyncContextManager[None]:
        """Wraps each unit of work. Raises Unavailable at once while the database is known to be down or replaced."""
        ...

    def statement_timeout(self, connection: AsyncConnection) -> AbstractContextManager[None]:
        """Wraps each statement and aborts it when it takes too long."""
        ...

    def executor(self, connection: AsyncConnection) -> Executor:
        """Returns what executes the statements of one unit of work on this connection."""
        ...

    async def lock_row(
        self, connection: AsyncConnection, id: Column[Any], value: Any, *, may_be_deleted: bool
    ) -> None:
        """Locks the row with this identifier until the transaction ends; waits for other transactions' locks on it.

        Other transactions can't change the row; with `may_be_deleted`, they can't insert references to it either.
        """
        ...

    async def advisory_lock(self, connection: AsyncConnection, name: str) -> None:
        """Locks `name` until the transaction ends; waits while another transaction has it locked."""
        ...

    async def prepare(self) -> None:
        """Creates what the first migration needs."""
        ...

    def migrate(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Runs a transaction without a statement timeout. Only one runs at a time, over all hosts."""
        ...

    def exclusive(self, *, is_changing: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        """Opens the only connection to the database, without a statement timeout. The caller commits.

        Without `is_changing` the caller must not commit. Raises NotExclusive if another connection is open.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Opens a read-only connection without a statement timeout. All its reads see the state at its first read.

        It does not block writers. Raises DatabaseMissing.
        """
        ...

    async def close(self) -> None:
        """Closes all connections that are not in use."""
        ...

    async def version(self, connection: AsyncConnection) -> str: ...

    async def integrity(self, connection: AsyncConnection) -> str:
        """Reads the database for at most a minute, as far as the server can do this; returns one line about it.

        Raises DatabaseDamaged; its cause names the damage.
        """
        ...
