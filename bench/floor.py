"""The floor: a bare ASGI application that responds with bytes in memory and the header fields of a hot read. No server
can be faster.

PUT /STATUS with a body makes it respond to every later request with that status and body.
"""

from collections.abc import Awaitable, Callable
from typing import Any

_Send = Callable[[dict[str, Any]], Awaitable[None]]
_FIELDS = (
    (b"content-type", b"application/json"),
    (b"etag", b'"1-0123456789abcdef"'),
    (b"cache-control", b"public, no-cache"),
    (b"vary", b"Authorization, Accept-Encoding"),
    (b"x-request-id", b"0123456789abcdef0123456789abcdef"),
    (b"x-content-type-options", b"nosniff"),
    (b"ratelimit-policy", b'"requests";q=1000000;w=60'),
    (b"ratelimit", b'"requests";r=999999;t=60'),
)


class Floor:
    def __init__(self) -> None:
        self._learn(200, b"{}")

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: _Send
    ) -> None:
        if scope["type"] != "http":
            return
        body = b""
        if scope["method"] != "GET":
            while (message := await receive()).get("more_body"):
                body += message["body"]
            body += message["body"]
        if scope["method"] == "PUT":
            self._learn(int(scope["path"].strip("/")), body)
        await send(self._start)
        await send(self._body)

    def _learn(self, status: int, body: bytes) -> None:
        headers = list(_FIELDS)
        if status != 304:
            headers.append((b"content-length", str(len(body)).encode()))
        self._start = {"type": "http.response.start", "status": status, "headers": headers}
        self._body = {"type": "http.response.body", "body": body}


def create() -> Floor:
    return Floor()
