"""HEAD, for every address that takes GET (RFC 9110, 9.3.2)."""

import asyncio

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPDisconnectEvent, Message, Receive, Scope, Send


class HeadMiddleware:
    """Answers HEAD as GET would be answered, without the content; what makes the content is stopped at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        response_started = asyncio.Event()

        async def disconnect_when_started() -> HTTPDisconnectEvent:
            await response_started.wait()
            return {"type": "http.disconnect"}

        async def send_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                response_started.set()

        # A Range is for GET alone (RFC 9110, 14.2).
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range"]
        scope["method"] = "GET"
        try:
            await self._app(scope, disconnect_when_started, send_start)
        finally:
            scope["method"] = "HEAD"
