"""The connection to OpenSearch: its address, its errors and its circuit breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from opensearchpy import AsyncOpenSearch, NotFoundError, OpenSearchException

from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.domain.errors import DependencyUnavailable

DEFAULT_ALIAS = "mechshare"
DEPENDENCY = "search index"

_CONNECTIONS = 32
"""More than there are ever writes that wait for a refresh, so that searches never wait for a connection."""


class OpenSearchServer:
    """`opensearch://[user:password@]host[:port][/ALIAS]`, or `opensearch+https://` for TLS with a verified certificate.

    Connects on the first request.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        self.alias = parts.path.strip("/") or DEFAULT_ALIAS
        self._client = AsyncOpenSearch(
            hosts=[{"host": parts.hostname or "localhost", "port": parts.port or 9200}],
            http_auth=(user, password) if user else None,
            use_ssl=parts.scheme.endswith("+https"),
            pool_maxsize=_CONNECTIONS,
            # A failed search falls back to the database at once; the job ledger retries writes.
            max_retries=0,
        )
        self._circuit = CircuitBreaker(DEPENDENCY)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncOpenSearch]:
        """Gives the client. Raises Unavailable for its errors, and at once while the circuit breaker is open."""
        async with self._circuit.guard():
            try:
                yield self._client
            except OpenSearchException as error:
                raise DependencyUnavailable(dependency=DEPENDENCY) from error

    async def search(self, index: str, body: dict[str, Any], *, seconds: float) -> Any:
        """Returns the response of all shards of `index`, or None if there is no such index. Raises Unavailable."""
        async with self.client() as client:
            try:
                return await client.search(
                    index=index,
                    body=body,
                    allow_partial_search_results=False,
                    # Always the same copy of the shard: another may be a refresh behind, so that pages would not match.
                    preference="mechshare",
                    request_timeout=seconds,
                    # Stops the search on the server too when the caller has given up.
                    params={"cancel_after_time_interval": f"{seconds * 1000:.0f}ms"},
                )
            except NotFoundError:
                return None

    async def close(self) -> None:
        await self._client.close()
