"""What the drivers raise, in the core's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mechshare.domain.errors import DependencyUnavailable, NameTaken, StorageFull

_NAME = "database"


@contextmanager
def translated() -> Iterator[None]:
    """Raises Unavailable, OutOfSpace or, for a write outside a transaction, RuntimeError."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as problem:
        raise DependencyUnavailable(dependency=_NAME) from problem
    except (OperationalError, InterfaceError) as problem:
        told = str(problem.orig)
        if "readonly database" in told:
            raise RuntimeError("written outside a transaction: use begin()") from problem
        if "disk is full" in told:
            raise StorageFull() from problem
        raise DependencyUnavailable(dependency=_NAME) from problem
    except DBAPIError as problem:
        if problem.connection_invalidated:
            raise DependencyUnavailable(dependency=_NAME) from problem
        raise


@contextmanager
def unique(**values: str) -> Iterator[None]:
    """Raises NameTaken for whichever of the columns in `values` is not unique."""
    try:
        yield
    except IntegrityError as problem:
        told = str(problem.orig)
        for column, value in values.items():
            if column in told:
                raise NameTaken(field=column, value=value) from problem
        raise
