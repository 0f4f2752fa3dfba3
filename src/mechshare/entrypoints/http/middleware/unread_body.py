"""Reads and drops the rest of a refused body, so that the client receives the refusal."""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from litestar.types.asgi_types import ReceiveMessage

from mechshare.entrypoints.http.protocol.header_fields import field_of, stated_length
from mechshare.entrypoints.http.protocol.layers import HttpApp

MAX_DISCARDED_BYTES, MAX_DISCARDING_SECONDS = 64 * 1024 * 1024, 15.0
"""How much of a body is dropped, and for how long; then the connection is closed."""
MAX_CONCURRENT = 64
"""Bodies dropped at a time in this process; a further one ends with its connection."""
MIN_PIECE_BYTES, SPARE_PIECES = 2_048, 256
"""Beyond the first SPARE_PIECES, the pieces must average MIN_PIECE_BYTES: each costs the time of one of 64 KiB."""
_WITHOUT_BODY = frozenset(("GET", "HEAD", "OPTIONS"))


class UnreadBodyMiddleware:
    """Reads and drops the rest of a request's body if the response was sent before the end of the body.

    Closing a connection with unread bytes resets it: a client that was still sending loses the response (RFC 9112,
    9.6), and Apache, which reads no response before it has passed on the whole body, makes a 502 of it.
    """

    def __init__(self, app: HttpApp, lifespan: ASGIApp) -> None:
        """`app` handles HTTP requests, and `lifespan` everything else."""
        self._app = app
        self._lifespan = lifespan
        self._discarding = 0

    # A coroutine function, by which servers and test clients recognise an ASGI application.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._lifespan(scope, receive, send)
        elif scope["method"] in _WITHOUT_BODY or (length := stated_length(scope["headers"])) == 0:
            await self._app(scope, receive, send)
        else:
            await self._call_with_body(length, scope, receive, send)

    async def _call_with_body(
        self, length: int | None, scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        body = _Body(receive, length)
        await self._app(scope, body.receive, send)
        # A client that waits for 100 (Continue) sends no body after a refusal.
        waits = field_of(scope["headers"], b"expect") and not body.has_begun
        if not (body.has_ended or waits or self._discarding >= MAX_CONCURRENT):
            self._discarding += 1
            try:
                await body.discard()
            finally:
                self._discarding -= 1


class _Body:
    """Receives a request's body and remembers whether it has begun and ended."""

    def __init__(self, receive: Receive, length: int | None) -> None:
        self._receive = receive
        self._remaining = length
        self.has_begun = False
        self.has_ended = False

    async def receive(self) -> ReceiveMessage:
        message = await self._receive()
        self.has_begun = True
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.has_ended = True
        elif self._remaining is not None:
            # The server marks the end in a further message, which a reader that knows the length leaves.
            self._remaining -= len(message.get("body", b""))
            self.has_ended = self._remaining <= 0
        return message

    async def discard(self) -> None:
        """Reads until the end of the body or until a limit is reached."""
        size = pieces = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_DISCARDING_SECONDS):
                while not self.has_ended and size < MAX_DISCARDED_BYTES:
                    message = await self.receive()
                    size += len(message.get("body", b"")) if message["type"] == "http.request" else 0
                    pieces += 1
                    if pieces > SPARE_PIECES + size // MIN_PIECE_BYTES:
                        return
