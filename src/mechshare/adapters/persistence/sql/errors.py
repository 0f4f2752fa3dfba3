"""Translates errors of SQLAlchemy and the drivers to errors of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mechshare.domain.damage import DatabaseDamaged
from mechshare.domain.errors import DependencyUnavailable, StorageFull
from mechshare.domain.overload import Busy, QueryTimedOut
from mechshare.domain.schema_versions import SchemaMismatch

_NAME = "database"
_LOCKED = ("55P03", "40P01", "40001")
"""PostgreSQL: lock_not_available, deadlock_detected, serialization_failure."""
_LOCKED_IN_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")
_INTERRUPTED = ("SQLITE_INTERRUPT", "57014")
"""57014 is PostgreSQL's query_canceled, which its statement timeout raises. A writer that waits for the lock of a row
behind others waits for two locks one after the other, so the lock timeout does not always end the wait first."""
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
"""SQLite's extended codes begin with these; PostgreSQL: data_corrupted, index_corrupted."""
_UNKNOWN = ("42703", "42P01")
"""PostgreSQL: undefined_column, undefined_table."""
_UNKNOWN_IN_SQLITE = ("no such column", "no such table", "has no column named")
_FOREIGN_KEY = ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503")
_UNIQUE = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505")


class ConstraintViolated(RuntimeError):
    """A statement violates a constraint of the schema. Repositories translate the cases that they expect; any other is
    a programming error."""


class ForeignKeyViolated(ConstraintViolated):
    """The referenced row does not exist, or the row to delete is still referenced."""


class UniqueViolated(ConstraintViolated):
    """Another row already has this value."""


@contextmanager
def translated(*, is_writing: bool = False) -> Iterator[None]:
    """Translates SQLAlchemyError to Unavailable, StorageFull or ConstraintViolated; programming errors to RuntimeError.

    Raises Busy, an Unavailable, if a lock was not granted in time or all connections of the pool were in use, and
    QueryTimedOut, a Busy, if a read exceeded its timeout. Raises SchemaMismatch, an Unavailable, for a missing table or
    column, and DatabaseDamaged, an Unavailable, for a damaged page. A transaction that the server refuses as read-only
    raises Unavailable: the server may be a standby.
    """
    try:
        yield
    except SQLAlchemyError as problem:
        raise translation_of(problem, is_writing) from problem


def translation_of(problem: SQLAlchemyError, is_writing: bool) -> Exception:
    """Returns what `translated` raises instead of `problem`."""
    if isinstance(problem, IntegrityError):
        return _violation(problem)
    if isinstance(problem, PoolTimeout) or _is_locked(problem):
        return Busy()
    if isinstance(problem, DBAPIError) and _code(problem).startswith(_DAMAGED):
        return DatabaseDamaged()
    if isinstance(problem, DBAPIError) and _code(problem) in _INTERRUPTED:
        return Busy() if is_writing else QueryTimedOut()
    text = str(problem.orig) if isinstance(problem, DBAPIError) else ""
    if isinstance(problem, DBAPIError) and (
        _code(problem) in _UNKNOWN or any(one in text for one in _UNKNOWN_IN_SQLITE)
    ):
        return SchemaMismatch()
    if "readonly database" in text or "read-only transaction" in text:
        if is_writing:
            return DependencyUnavailable(dependency=_NAME)
        return RuntimeError("written outside a transaction: use begin()")
    if "disk is full" in text or "No space left on device" in text:
        return StorageFull()
    if isinstance(problem, OperationalError | InterfaceError):
        return DependencyUnavailable(dependency=_NAME)
    return RuntimeError(f"{type(problem).__name__}: {problem}")


def _is_locked(problem: SQLAlchemyError) -> bool:
    """Whether the database reported a lock conflict. It is then reachable."""
    if not isinstance(problem, DBAPIError):
        return False
    code = _code(problem)
    return code in _LOCKED or code.startswith(_LOCKED_IN_SQLITE)


def _code(problem: DBAPIError) -> str:
    """Returns SQLite's name of the error, or PostgreSQL's SQLSTATE; "" if the driver gives neither."""
    return getattr(problem.orig, "sqlite_errorname", None) or getattr(problem.orig, "sqlstate", None) or ""


def _violation(problem: IntegrityError) -> ConstraintViolated:
    code = _code(problem)
    kind = ForeignKeyViolated if code in _FOREIGN_KEY else UniqueViolated if code in _UNIQUE else None
    return (kind or ConstraintViolated)(str(problem.orig))
