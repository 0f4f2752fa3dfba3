"""What tus 1.0 asks of every response, of OPTIONS and of X-HTTP-Method-Override."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.tus import ALGORITHMS, EXTENSIONS, UPLOADS_PATH, VERSION

_OVERRIDES = (b"PATCH", b"DELETE")


class TusMiddleware:
    """Adds the fields about the protocol to responses for uploads, refusals of the framework included.

    X-HTTP-Method-Override replaces POST, for clients that can send no other method with a body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._capabilities = [
            (b"tus-version", VERSION.encode()),
            (b"tus-extension", EXTENSIONS.encode()),
            (b"tus-max-size", str(max_bytes).encode()),
            (b"tus-checksum-algorithm", ",".join(ALGORITHMS).encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(UPLOADS_PATH):
            await self._app(scope, receive, send)
            return
        override = field_of(scope["headers"], b"x-http-method-override")
        if scope["method"] == "POST" and override in _OVERRIDES:
            scope["method"] = "PATCH" if override == b"PATCH" else "DELETE"
        shows_capabilities = scope["method"] == "OPTIONS"

        async def send_versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"tus-resumable", VERSION.encode()))
                if shows_capabilities:
                    headers += self._capabilities
                elif message["status"] == 412:
                    headers.append((b"tus-version", VERSION.encode()))
            await send(message)

        await self._app(scope, receive, send_versioned)
