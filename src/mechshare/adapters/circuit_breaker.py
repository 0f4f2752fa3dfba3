"""A circuit breaker for each server that mechshare depends on: while a server is down, calls to it fail at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mechshare.adapters.metrics import CircuitMetrics
from mechshare.domain.errors import DependencyUnavailable, Unavailable
from mechshare.domain.overload import Busy

_FAILURES = 5
_REST = 5.0
"""Seconds for which an open circuit refuses all calls; then it admits a trial call."""
_MAX_TRIAL_SECONDS = 10.0
"""Seconds after which another trial call is admitted: a long download must not block all other calls."""


class CircuitBreaker:
    """Opens after five failures in a row; five seconds later it admits a trial call, and any response closes it.

    Until the trial call ends, other calls are refused. Only Unavailable counts as a failure; Busy, which is a
    response (a lock is taken), does not. Translate the driver's errors inside `guard`. A cancelled call neither
    opens nor closes the circuit.
    """

    def __init__(
        self, dependency: str, *, rest: float = _REST, max_trial_seconds: float = _MAX_TRIAL_SECONDS
    ) -> None:
        self._dependency = dependency
        self._rest = rest
        self._max_trial_seconds = max_trial_seconds
        self._failures = 0
        self._next_trial = 0.0
        self._metrics = CircuitMetrics(dependency)

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Encloses a call. Raises Unavailable at once while the circuit is open."""
        is_trial = self._failures >= _FAILURES
        if is_trial:
            if time.monotonic() < self._next_trial:
                self._metrics.refused()
                raise DependencyUnavailable(dependency=self._dependency)
            self._next_trial = time.monotonic() + self._max_trial_seconds
        try:
            yield
        except Busy:
            self._close()
            raise
        except Unavailable:
            self._fail()
            raise
        except asyncio.CancelledError:
            if is_trial:
                self._next_trial = 0.0
            raise
        except BaseException:
            self._close()
            raise
        self._close()

    def _fail(self) -> None:
        self._failures += 1
        self._next_trial = time.monotonic() + self._rest
        self._metrics.failed()
        self._metrics.set_open(self._failures >= _FAILURES)

    def _close(self) -> None:
        self._failures = 0
        self._metrics.set_open(False)
