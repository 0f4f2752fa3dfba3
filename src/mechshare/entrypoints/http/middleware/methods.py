"""HEAD and OPTIONS for every path (RFC 9110, 9.3.2 and 9.3.7)."""

import asyncio
from collections.abc import Awaitable

from litestar.types import HTTPDisconnectEvent, HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.visits import IS_HEAD


class MethodsMiddleware:
    """Handles HEAD as GET without content, and responds to OPTIONS with every method of the path."""

    def __init__(self, app: HttpApp) -> None:
        self._app = app

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["method"] == "HEAD":
            return self._head(scope, send)
        if scope["method"] == "OPTIONS":
            return self._options(scope, receive, send)
        return self._app(scope, receive, send)

    async def _head(self, scope: HTTPScope, send: Send) -> None:
        """Runs GET and disconnects it as soon as its headers are sent."""
        response_started = asyncio.Event()

        async def disconnect_when_started() -> HTTPDisconnectEvent:
            await response_started.wait()
            return {"type": "http.disconnect"}

        async def send_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                response_started.set()

        # Range applies to GET only (RFC 9110, 14.2).
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range"]
        scope["method"] = "GET"
        scope["state"][IS_HEAD] = True
        try:
            await self._app(scope, disconnect_when_started, send_start)
        finally:
            scope["method"] = "HEAD"

    async def _options(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Sends the routes a method that none of them supports: the 405 lists the supported ones in Allow."""
        is_sent = False

        async def send_allowed(message: Message) -> None:
            nonlocal is_sent
            if message["type"] == "http.response.start" and message["status"] == 405:
                allow = [(name, value) for name, value in message["headers"] if name.lower() == b"allow"]
                await send({"type": "http.response.start", "status": 204, "headers": allow})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                is_sent = True
            elif not is_sent:
                await send(message)

        scope["method"] = "TRACE"
        try:
            await self._app(scope, receive, send_allowed)
        finally:
            scope["method"] = "OPTIONS"
