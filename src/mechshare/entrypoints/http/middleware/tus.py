"""What tus 1.0 asks of every response, of OPTIONS and of X-HTTP-Method-Override."""

from collections.abc import Awaitable

from litestar.types import HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp, add_to_response
from mechshare.entrypoints.http.protocol.tus import ALGORITHMS, EXTENSIONS, UPLOADS_PATH, VERSION

_OVERRIDES = (b"PATCH", b"DELETE")


class TusMiddleware:
    """Adds the fields about the protocol to responses for uploads, refusals of the framework included.

    X-HTTP-Method-Override replaces POST, for clients that can send no other method with a body.
    """

    def __init__(self, app: HttpApp, max_bytes: int) -> None:
        self._app = app
        self._capabilities = [
            (b"tus-version", VERSION.encode()),
            (b"tus-extension", EXTENSIONS.encode()),
            (b"tus-max-size", str(max_bytes).encode()),
            (b"tus-checksum-algorithm", ",".join(ALGORITHMS).encode()),
        ]

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if not scope["path"].startswith(UPLOADS_PATH):
            return self._app(scope, receive, send)
        override = field_of(scope["headers"], b"x-http-method-override")
        if scope["method"] == "POST" and override in _OVERRIDES:
            scope["method"] = "PATCH" if override == b"PATCH" else "DELETE"
        add_to_response(scope, (b"tus-resumable", VERSION.encode()))
        if scope["method"] == "OPTIONS":
            add_to_response(scope, *self._capabilities)
            return self._app(scope, receive, send)
        return self._app(scope, receive, _naming_version(scope, send))


def _naming_version(scope: HTTPScope, send: Send) -> Send:
    """Returns a `send` that tells a client of another version which one is supported."""

    async def send_with_version(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 412:
            add_to_response(scope, (b"tus-version", VERSION.encode()))
        await send(message)

    return send_with_version
