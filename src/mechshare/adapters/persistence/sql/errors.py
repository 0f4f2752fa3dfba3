"""What SQLAlchemy and the drivers raise, in the core's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ResourceClosedError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mechshare.domain.errors import DependencyUnavailable, StorageFull
from mechshare.domain.overload import Busy

_NAME = "database"
_LOCKED = ("55P03", "57014", "40P01", "40001")
"""PostgreSQL: lock_not_available, query_canceled (by a time-out), deadlock_detected, serialization_failure."""
_LOCKED_IN_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")
_FOREIGN_KEY = ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503")
_UNIQUE = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505")


class ConstraintViolated(RuntimeError):
    """A statement would have broken a rule of the schema. Repositories say what that means; where none does, the
    program is at fault."""


class ForeignKeyViolated(ConstraintViolated):
    """What a row refers to does not exist, or what is to go is still referred to."""


class UniqueViolated(ConstraintViolated):
    """There is such a row already."""


@contextmanager
def translated(*, is_writing: bool = False) -> Iterator[None]:
    """Raises Unavailable, OutOfSpace or ConstraintViolated; RuntimeError for what only a program does wrong.

    Busy, an Unavailable, where something was locked for too long or all connections of the pool were in use. A write
    that a server refuses as read-only has met one that was not promoted yet, such as a standby.
    """
    try:
        yield
    except SQLAlchemyError as problem:
        raise _translation(problem, is_writing) from problem


def _translation(problem: SQLAlchemyError, is_writing: bool) -> Exception:
    if isinstance(problem, IntegrityError):
        return _violation(problem)
    if isinstance(problem, PoolTimeout) or _is_locked(problem):
        return Busy()
    if isinstance(problem, ResourceClosedError):
        return RuntimeError("the unit of work has ended: do all that belongs to it within its block")
    text = str(problem.orig) if isinstance(problem, DBAPIError) else ""
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
    """Whether the database answered that something was locked, or took too long: it is there."""
    if not isinstance(problem, DBAPIError):
        return False
    sqlite_name = getattr(problem.orig, "sqlite_errorname", None) or ""
    return getattr(problem.orig, "sqlstate", None) in _LOCKED or sqlite_name.startswith(_LOCKED_IN_SQLITE)


def _violation(problem: IntegrityError) -> ConstraintViolated:
    code = getattr(problem.orig, "sqlite_errorname", None) or getattr(problem.orig, "sqlstate", None)
    kind = ForeignKeyViolated if code in _FOREIGN_KEY else UniqueViolated if code in _UNIQUE else None
    return (kind or ConstraintViolated)(str(problem.orig))
