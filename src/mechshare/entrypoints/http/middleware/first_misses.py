"""Lets concurrent requests for the same response wait for the first of them."""

import asyncio
from collections.abc import Hashable
from contextlib import suppress

from litestar.types import HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.layers import HttpApp

_MAX_WAIT = 1.0
"""Seconds that a request waits for another one. Then the application handles it, too."""


class FirstMisses:
    """The requests that were the first to miss a response in the cache, and that the application handles now."""

    def __init__(self) -> None:
        self._responded: dict[Hashable, asyncio.Event] = {}

    async def wait(self, key: Hashable) -> bool:
        """Returns whether a request for the response under `key` was under way, once the application has responded to
        it, or after _MAX_WAIT."""
        responded = self._responded.get(key)
        if responded is None:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_WAIT):
                await responded.wait()
        return True

    async def call(self, app: HttpApp, key: Hashable, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Calls `app`; until it responds, `wait` waits for the first of the calls with this `key`."""
        responded = asyncio.Event()
        first = self._responded.setdefault(key, responded)

        async def send_noted(message: Message) -> None:
            responded.set()  # now, since a slow client takes its time for the rest
            await send(message)

        try:
            await app(scope, receive, send_noted)
        finally:
            responded.set()
            if first is responded:
                del self._responded[key]
