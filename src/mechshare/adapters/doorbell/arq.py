"""A doorbell over arq, for workers on any number of hosts."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from arq import Worker, func
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from mechshare.adapters.redis_client import TIMEOUT, RedisClient
from mechshare.adapters.wake_up import Rings
from mechshare.domain.errors import Unavailable
from mechshare.domain.jobs import Listener

_LISTEN_TIMEOUT = 5.0
_POLL_INTERVAL = 0.1
_REST = 1.0
"""Seconds before an arq worker that lost Redis is started again."""
_STALE = timedelta(minutes=1)
_ENOUGH = 100
"""The maximum number of pending rings; more would have no effect."""
_log = structlog.get_logger("mechshare.jobs")


class ArqDoorbell:
    """Each ring is an arq job without content, which wakes one of the processes whose workers wait.

    Each ring has a unique id, because a reused id may still count as running on a worker that was killed. Rings in
    quick succession are sent as one: the waiting processes look for a ring only every _POLL_INTERVAL. While Redis is
    unavailable, rings are lost, and waiting processes continue after their timeout.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        """`timeout` is the number of seconds after which a ring is lost."""
        self._timeout = timeout
        self._client = RedisClient(url, timeout=timeout)
        self._queue = self._client.key("doorbell")
        self._address = url
        self._ringing = self._arq(self._client.redis.connection_pool)
        self._rings = Rings()
        self._listening: asyncio.Task[None] | None = None
        self._must_ring = False
        self._sending: asyncio.Task[None] | None = None
        self._is_closed = False

    async def ring(self) -> None:
        if self._is_closed:
            return
        self._must_ring = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        # A process without workers takes no rings from those that have some.
        if listener is Listener.WORKERS and self._listening is None and not self._is_closed:
            self._listening = asyncio.create_task(self._listen())
        await self._rings.wait(timeout, listener)

    async def check(self) -> str:
        return f"{await self._client.check()}, arq"

    async def close(self) -> None:
        """Sends what was rung, unless Redis is unavailable."""
        self._is_closed = True
        if self._sending is not None:
            await asyncio.wait({self._sending})
        while self._listening is not None and not self._listening.done():
            # Cancel repeatedly: a cancellation during an exchange with Redis may be lost.
            self._listening.cancel()
            await asyncio.wait({self._listening}, timeout=_POLL_INTERVAL)
        await self._client.close()

    async def _send(self) -> None:
        while self._must_ring:
            self._must_ring = False
            await self._enqueue()
            await asyncio.sleep(_POLL_INTERVAL)

    async def _enqueue(self) -> None:
        try:
            async with self._client.guard(), asyncio.timeout(self._timeout):
                if await self._ringing.zcard(self._queue) < _ENOUGH:
                    await self._ringing.enqueue_job("ring", _expires=_STALE)
        except Unavailable as problem:
            _log.warning("doorbell_unavailable", problem=problem.message)

    async def _listen(self) -> None:
        """Runs an arq worker on the queue; starts another one whenever it ends because Redis is unavailable."""

        async def ring(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
            self._rings.add()

        while not self._is_closed:
            client = RedisClient(self._address, timeout=_LISTEN_TIMEOUT)
            worker = Worker(
                [func(ring, name="ring", keep_result=0, timeout=_LISTEN_TIMEOUT, max_tries=1)],
                queue_name=self._queue,
                redis_pool=self._arq(client.redis.connection_pool),
                handle_signals=False,
                keep_result=0,
                poll_delay=_POLL_INTERVAL,
                log_results=False,
                job_serializer=msgspec.msgpack.encode,
                job_deserializer=msgspec.msgpack.decode,
            )
            try:
                await worker.main()
            except (RedisError, OSError) as problem:
                _log.warning("doorbell_unavailable", problem=str(problem))
                await asyncio.sleep(_REST)
            finally:
                for task in worker.tasks.values():
                    task.cancel()
                await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
                await client.close()

    def _arq(self, pool: ConnectionPool) -> ArqRedis:
        return ArqRedis(
            pool,
            job_serializer=msgspec.msgpack.encode,
            job_deserializer=msgspec.msgpack.decode,
            default_queue_name=self._queue,
        )
