"""A circuit breaker for each server that mechshare depends on: who does not answer is soon not asked any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mechshare.domain.errors import DependencyUnavailable, Unavailable
from mechshare.domain.overload import Busy

_FAILURES = 5
_REST = 5.0
"""Seconds after which somebody may try again."""
_MAX_TRIAL_SECONDS = 10.0
"""Seconds after which somebody else may try as well: a download that goes on and on must not keep all others out."""


class CircuitBreaker:
    """Open after five failures in a row; five seconds later one is let try, and whatever answer it gets closes it.

    Until that one has ended, the others are refused as before. Only Unavailable counts as a failure, and Busy does not:
    where something is locked, there is an answer. Put the translation of the driver's errors inside. A request that is
    cancelled says nothing.
    """

    def __init__(
        self, dependency: str, *, rest: float = _REST, max_trial_seconds: float = _MAX_TRIAL_SECONDS
    ) -> None:
        self._dependency = dependency
        self._rest = rest
        self._max_trial_seconds = max_trial_seconds
        self._failures = 0
        self._next_try = 0.0

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Raises Unavailable at once while the circuit is open."""
        is_try = self._failures >= _FAILURES
        if is_try:
            if time.monotonic() < self._next_try:
                raise DependencyUnavailable(dependency=self._dependency)
            self._next_try = time.monotonic() + self._max_trial_seconds
        try:
            yield
        except Busy:
            self._failures = 0
            raise
        except Unavailable:
            self._failures += 1
            self._next_try = time.monotonic() + self._rest
            raise
        except asyncio.CancelledError:
            if is_try:
                self._next_try = 0.0
            raise
        except BaseException:
            self._failures = 0
            raise
        self._failures = 0
