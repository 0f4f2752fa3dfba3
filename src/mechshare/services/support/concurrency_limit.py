"""Bounds the number of callers that wait for the same work."""

from collections.abc import Iterator
from contextlib import contextmanager

from mechshare.domain.overload import Overloaded


class ConcurrencyLimit:
    """Admits `limit` callers at a time, running or waiting; refuses all others at once.

    Without a bound on the queue, every caller would wait longer than clients do.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Counts the caller while the context is open. Raises Overloaded if the limit is reached."""
        if self._admitted >= self._limit:
            raise Overloaded()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1
