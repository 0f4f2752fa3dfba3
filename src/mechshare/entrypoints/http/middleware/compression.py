"""Compresses text responses for clients that accept it."""

from collections.abc import Awaitable, Iterable

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.content_coding import (
    CODINGS,
    MIN_SIZE,
    CompressedBodies,
    preferred_coding,
)
from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp

MAX_REMEMBERED_BYTES = 16 * 1024 * 1024
_TYPES = (b"application/json", b"text/", b"application/vnd.oai.openapi", b"image/svg+xml", b"application/xml")
_UNCOMPRESSED = "/api/v1/auth/"
"""Responses with secrets are never compressed: the compressed size would leak information about the secret (BREACH)."""

Headers = list[tuple[bytes, bytes]]


class CompressionMiddleware:
    """Compresses complete text bodies of at least MIN_SIZE bytes; never streams, partial content or /auth responses.

    The ETag of a compressed representation has the coding as a suffix, which conditional requests ignore. Compressed
    bodies of public responses are cached by ETag.
    """

    def __init__(self, app: HttpApp) -> None:
        self._app = app
        self._public = CompressedBodies(MAX_REMEMBERED_BYTES)

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["path"].startswith(_UNCOMPRESSED):
            return self._app(scope, receive, send)
        accepted = field_of(scope["headers"], b"accept-encoding")
        coding = preferred_coding(accepted.decode("latin-1")) if accepted else None
        if coding is None:
            return self._app(scope, receive, send)
        if_none_match = field_of(scope["headers"], b"if-none-match")
        return self._app(scope, receive, _Compressing(send, coding, if_none_match, self._public))


class _Compressing:
    """The `send` of one request, which delays the start of a text response until the first message of its body."""

    def __init__(self, send: Send, coding: str, if_none_match: bytes, public: CompressedBodies) -> None:
        self._send = send
        self._coding = coding
        self._if_none_match = if_none_match
        self._public = public
        self._start: HTTPResponseStartEvent | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None:
            await self._send(message)
        elif message["type"] == "http.response.body":
            await self._finish(self._start, message)

    async def _begin(self, start: HTTPResponseStartEvent) -> None:
        headers: Headers = list(start.get("headers", ()))
        if start["status"] == 304:
            start["headers"] = _varying(self._as_cached(headers))
        elif _is_text(headers):
            start["headers"] = _varying(headers)
            if start["status"] == 200:
                self._start = start
                return
        await self._send(start)

    def _as_cached(self, headers: Headers) -> Headers:
        """Returns the headers of a 304, with the ETag of the compressed representation if the client sent that one."""
        etag = field_of(headers, b"etag")
        compressed = _tag_in(self._coding, etag)
        if etag and compressed in self._if_none_match:
            return [*_without(headers, (b"etag",)), (b"etag", compressed)]
        return headers

    async def _finish(self, start: HTTPResponseStartEvent, message: HTTPResponseBodyEvent) -> None:
        self._start = None
        if not message["more_body"] and len(message["body"]) >= MIN_SIZE:
            message["body"] = self._compressed(start, self._coding, message["body"])
        await self._send(start)
        await self._send(message)

    def _compressed(self, start: HTTPResponseStartEvent, coding: str, body: bytes) -> bytes:
        """Returns `body` in `coding`, and updates the headers of `start` accordingly."""
        headers: Headers = list(start["headers"])
        etag = field_of(headers, b"etag")
        is_public = etag and field_of(headers, b"cache-control").startswith(b"public")
        compressed = self._public.compressed(etag, coding, body) if is_public else CODINGS[coding](body)
        changed = {b"content-length": str(len(compressed)).encode(), b"content-encoding": coding.encode()}
        if etag:
            changed[b"etag"] = _tag_in(coding, etag)
        start["headers"] = [*_without(headers, changed), *changed.items()]
        return compressed


def _is_text(headers: Headers) -> bool:
    content_type = field_of(headers, b"content-type")
    is_stream = content_type.startswith(b"text/event-stream")
    return content_type.startswith(_TYPES) and not is_stream and not field_of(headers, b"content-encoding")


def _tag_in(coding: str, etag: bytes) -> bytes:
    """Returns the ETag of the representation of `etag` in `coding`."""
    return etag[:-1] + b"-" + coding.encode() + b'"'


def _without(headers: Headers, names: Iterable[bytes]) -> Headers:
    return [(key, value) for key, value in headers if key not in names]


def _varying(headers: Headers) -> Headers:
    """Returns `headers` with Accept-Encoding in Vary (RFC 9110, 12.5.5)."""
    vary = field_of(headers, b"vary")
    if b"accept-encoding" in vary.lower():
        return headers
    field = vary + b", Accept-Encoding" if vary else b"Accept-Encoding"
    return [*_without(headers, (b"vary",)), (b"vary", field)]
