"""Cross-origin resource sharing (WHATWG Fetch, 3.2)."""

import re
from collections.abc import Awaitable, Sequence
from functools import lru_cache

from litestar.types import HTTPScope, Receive, Send

from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp, add_to_response

ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    b"Authorization, Content-Type, Accept, Accept-Language, If-Match, If-None-Match, If-Range, Range, "
    b"Idempotency-Key, X-Request-ID, Last-Event-ID, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, "
    b"Upload-Checksum, X-HTTP-Method-Override"
)
EXPOSED_HEADERS = (
    b"ETag, Link, Location, Retry-After, X-Request-ID, Idempotent-Replayed, Accept-Ranges, Content-Range, "
    b"Content-Disposition, RateLimit, RateLimit-Policy, WWW-Authenticate, Tus-Resumable, Tus-Version, Tus-Extension, "
    b"Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Expires"
)
PREFLIGHT_SECONDS = b"7200"
"""The maximum for which Chromium caches a preflight."""


class CorsMiddleware:
    """Allows pages of `origins` to call the API and read its responses. Tokens travel in a header, never in a cookie.

    An origin is exact (`https://app.example.com`), a pattern whose `*` stands for one or more labels of a host name
    or for a port (`https://*.example.com`, `http://localhost:*`), or `*` for every origin.
    """

    def __init__(self, app: HttpApp, origins: Sequence[str]) -> None:
        self._app = app
        self._patterns = [re.compile(_pattern(origin), re.IGNORECASE) for origin in origins]
        self._is_allowed = lru_cache(maxsize=1_000)(self._matches)

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        origin = field_of(scope["headers"], b"origin")
        is_allowed = bool(origin) and self._is_allowed(origin)
        if is_allowed and _is_preflight(scope):
            return _send_preflight(origin, send)
        add_to_response(scope, (b"vary", b"Origin"))
        if is_allowed:
            add_to_response(scope, (b"access-control-allow-origin", origin))
            add_to_response(scope, (b"access-control-expose-headers", EXPOSED_HEADERS))
        return self._app(scope, receive, send)

    def _matches(self, origin: bytes) -> bool:
        text = origin.decode("latin-1")
        return len(text) <= 300 and any(pattern.fullmatch(text) for pattern in self._patterns)


def _is_preflight(scope: HTTPScope) -> bool:
    return scope["method"] == "OPTIONS" and bool(field_of(scope["headers"], b"access-control-request-method"))


async def _send_preflight(origin: bytes, send: Send) -> None:
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", ALLOWED_METHODS),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
        (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _pattern(origin: str) -> str:
    if origin == "*":
        return ".+"
    return re.escape(origin.rstrip("/")).replace(r"\*", r"[A-Za-z0-9.-]+")
