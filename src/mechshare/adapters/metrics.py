"""Prometheus metrics of the adapters: connections, the cache, the search index and circuit breakers.

Gauges are sums over the running processes of a server. A metric that a process has not used yet is absent.
"""

import time

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

CONNECTIONS_IN_USE = Gauge(
    "mechshare_database_connections_in_use",
    "Database connections in use",
    ["pool"],
    multiprocess_mode="livesum",
)
CONNECTION_WAIT = Histogram(
    "mechshare_database_connection_wait_seconds",
    "Time to get a connection from the pool, in seconds",
    ["pool"],
    buckets=_SECONDS,
)
CACHE_HITS = Counter("mechshare_cache_hits_total", "Entries that the cache had", ["place"])
CACHE_LOADS = Counter("mechshare_cache_loads_total", "Entries that the cache had to load")
CACHE_BYTES = Gauge(
    "mechshare_cache_bytes", "Size of the entries in the processes' memory", multiprocess_mode="livesum"
)
SEARCHES = Histogram(
    "mechshare_search_seconds",
    "Time of a request to the search index, in seconds",
    ["operation", "outcome"],
    buckets=_SECONDS,
)
CIRCUITS_OPEN = Gauge(
    "mechshare_circuits_open", "Open circuit breakers", ["dependency"], multiprocess_mode="livesum"
)
DEPENDENCY_FAILURES = Counter(
    "mechshare_dependency_failures_total", "Calls that a dependency failed", ["dependency"]
)
CIRCUIT_REFUSALS = Counter(
    "mechshare_circuit_refusals_total", "Calls that an open circuit breaker refused", ["dependency"]
)


class PoolMetrics:
    """Measures the use of one pool of connections."""

    def __init__(self, pool: str) -> None:
        self._in_use = CONNECTIONS_IN_USE.labels(pool)
        self._wait = CONNECTION_WAIT.labels(pool)

    def take(self, since: float) -> None:
        """Counts a connection that was requested at `since`, by `time.perf_counter()`, as in use."""
        self._wait.observe(time.perf_counter() - since)
        self._in_use.inc()

    def release(self) -> None:
        self._in_use.dec()


class CircuitMetrics:
    """Counts what one circuit breaker does."""

    def __init__(self, dependency: str) -> None:
        self._open = CIRCUITS_OPEN.labels(dependency)
        self._failures = DEPENDENCY_FAILURES.labels(dependency)
        self._refusals = CIRCUIT_REFUSALS.labels(dependency)
        self._is_open = False

    def failed(self) -> None:
        self._failures.inc()

    def refused(self) -> None:
        self._refusals.inc()

    def set_open(self, is_open: bool) -> None:
        """Records the state; calls that change nothing cost nothing."""
        if is_open != self._is_open:
            self._is_open = is_open
            self._open.inc(1 if is_open else -1)
