"""A Redis client with short timeouts and a circuit breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.domain.errors import DependencyUnavailable

TIMEOUT = 0.2
"""Seconds. Redis is there to make requests faster, so waiting for it must not make them slower."""


class RedisClient:
    """A client of one server, with one circuit breaker. `namespace` comes from the URL
    (`redis://host:port/0?namespace=mechshare`) and prefixes every key."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        address, self.namespace = _parted(url)
        self.circuit = CircuitBreaker("Redis")
        self.redis: Redis = Redis.from_url(
            address,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            client_name="mechshare",
        )

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[Redis]:
        """Encloses each use of the client. Raises Unavailable."""
        async with self.circuit.guard():
            try:
                yield self.redis
            except (RedisError, OSError, TimeoutError) as problem:
                raise DependencyUnavailable(dependency="Redis") from problem

    def key(self, name: str) -> str:
        return f"{self.namespace}:{name}"

    async def check(self) -> str:
        async with self.guard() as redis:
            info = await redis.info("server")
        return f"Redis {info['redis_version']}"

    async def close(self) -> None:
        await self.redis.aclose()


def _parted(url: str) -> tuple[str, str]:
    """Returns the URL in the driver's form and the namespace."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    (namespace,) = query.pop("namespace", ["mechshare"])[-1:]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True))), namespace
