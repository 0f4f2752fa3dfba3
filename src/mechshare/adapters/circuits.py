"""A circuit breaker for each server that mechshare depends on: who does not answer is soon not asked any more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from mechshare.domain.errors import DependencyUnavailable, Unavailable

_FAILURES = 5
_REST = 5.0
"""Seconds after which somebody may try again."""


class Circuit:
    """Open after five failures in a row; five seconds later one more is let try, and a success closes it.

    Only Unavailable counts as a failure: put the translation of the driver's errors inside.
    """

    def __init__(self, dependency: str) -> None:
        self._dependency = dependency
        self._circuits = AsyncCircuitBreakerFactory(
            default_threshold=_FAILURES,
            default_ttl=_REST,
            exclude=[(BaseException, lambda error: not isinstance(error, Unavailable))],
        )

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Raises Unavailable at once while the circuit is open."""
        breaker = await self._circuits.get_breaker(self._dependency)
        try:
            async with breaker:
                yield
        except OpenedState as opened:
            raise DependencyUnavailable(dependency=self._dependency) from opened
