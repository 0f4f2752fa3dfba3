"""A bound on callers who wait for the same work."""

from collections.abc import Iterator
from contextlib import contextmanager

from mechshare.domain.overload import Overloaded


class ConcurrencyLimit:
    """Admits `limit` callers at a time, whether they work or wait for each other; refuses the others at once.

    A queue without a bound would let everybody wait longer than anybody does.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Raises Overloaded."""
        if self._admitted >= self._limit:
            raise Overloaded()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1
