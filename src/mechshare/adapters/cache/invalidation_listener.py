"""Receives the invalidations of other processes from Redis."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from mechshare.adapters.cache.entries import Entries, whole_of
from mechshare.adapters.redis_client import RedisClient
from mechshare.ports.cache import STALENESS

_REFRESHED = "~"
"""The first line of a message about refreshed tags. Without it, the lines are invalidated tags."""
_FOR_EARLIER_RELEASE = "!"
"""Before lines that only servers of the release before read, to whom each line is an invalidated tag."""
_PING_INTERVAL = 0.25
"""Seconds between pings: well below STALENESS, so that one late reply does no harm."""
_RETRY_INTERVAL = 0.1
"""Seconds between attempts to subscribe again."""


def message_of(tags: Sequence[str], *, is_refresh: bool = False) -> str:
    """Returns the message about these tags for the listeners of all processes."""
    wholes = dict.fromkeys(map(whole_of, tags))
    return "\n".join([*([_REFRESHED] if is_refresh else []), *tags, _FOR_EARLIER_RELEASE, *wholes])


class InvalidationListener:
    """Drops from `entries` what other processes invalidate; `is_current` tells whether it receives their messages.

    Redis replies in order: when the reply to a ping arrives, all messages published before the ping have arrived.
    Cached entries are therefore at most as old as the last ping that got a reply. They are served for at most
    STALENESS after that ping, whatever happens to Redis, the network or this process.
    """

    def __init__(self, client: RedisClient, entries: Entries) -> None:
        self.channel = client.key("invalidated")
        self._client = client
        self._entries = entries
        self._current_until = 0.0
        self._listening: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    @property
    def is_current(self) -> bool:
        return time.monotonic() < self._current_until

    async def listen(self) -> None:
        """Starts listening unless started; returns after the first attempt to subscribe has succeeded or failed."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        if not self._tried.is_set():
            await self._tried.wait()

    async def close(self) -> None:
        while self._listening is not None and not self._listening.done():
            # The driver may mistake a cancellation for its own timeout and continue, so cancel repeatedly.
            self._listening.cancel()
            await asyncio.wait([self._listening], timeout=_RETRY_INTERVAL)

    async def _listen(self) -> None:
        while True:
            # Bypass the circuit breaker: no caller waits, and listening should resume as soon as possible.
            with suppress(RedisError, OSError, TimeoutError):
                async with self._client.redis.pubsub() as pubsub:
                    await pubsub.subscribe(self.channel)
                    await self._receive(pubsub)
            self._tried.set()
            await asyncio.sleep(_RETRY_INTERVAL)

    async def _receive(self, pubsub: PubSub) -> None:
        """Receives messages until a ping gets no reply in time. Raises the driver's errors."""
        sent_at: deque[float] = deque()
        next_ping = 0.0
        while not sent_at or time.monotonic() - sent_at[0] < STALENESS.total_seconds():
            if time.monotonic() >= next_ping:
                sent_at.append(time.monotonic())
                next_ping = sent_at[-1] + _PING_INTERVAL
                await pubsub.ping()
            message = await pubsub.get_message(timeout=_PING_INTERVAL)
            if message is None:
                continue
            if message["type"] == "pong":
                self._current_until = sent_at.popleft() + STALENESS.total_seconds()
                self._tried.set()
            elif message["type"] == "subscribe":
                self._entries.invalidate_all()  # earlier messages were missed
            else:
                self._apply(message["data"].decode().split("\n"))

    def _apply(self, lines: list[str]) -> None:
        own = lines[: lines.index(_FOR_EARLIER_RELEASE)] if _FOR_EARLIER_RELEASE in lines else lines
        if own[0] == _REFRESHED:
            self._entries.refresh(*own[1:])
        else:
            self._entries.invalidate(*own)
