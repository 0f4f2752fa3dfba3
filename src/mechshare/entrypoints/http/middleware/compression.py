"""Compresses text responses for clients that accept it."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Message, Receive, Send

from mechshare.entrypoints.http.protocol.content_coding import (
    CODINGS,
    MIN_SIZE,
    CompressedBodies,
    preferred_coding,
)
from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.repeatable import REPEATABLE, Next, Repeatable

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
        public = CompressedBodies(MAX_REMEMBERED_BYTES)
        self._codings = {name: _Coding(name, public) for name in CODINGS}

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["path"].startswith(_UNCOMPRESSED):
            return self._app(scope, receive, send)
        accepted = field_of(scope["headers"], b"accept-encoding")
        coding = preferred_coding(accepted.decode("latin-1")) if accepted else None
        if coding is None:
            return self._app(scope, receive, send)
        return self._app(scope, receive, _Compressing(scope, send, self._codings[coding]))


class _Coding(NamedTuple):
    """Compresses responses in one coding."""

    name: str
    public: CompressedBodies

    def compress(self, start: HTTPResponseStartEvent, message: HTTPResponseBodyEvent) -> None:
        """Compresses a complete body if it is long enough, and updates the header fields accordingly."""
        if len(message["body"]) < MIN_SIZE:
            return
        headers: Headers = list(start["headers"])
        etag = field_of(headers, b"etag")
        is_public = etag and field_of(headers, b"cache-control").startswith(b"public")
        body = message["body"]
        compressed = self.public.compressed(etag, self.name, body) if is_public else CODINGS[self.name](body)
        changed = {
            b"content-length": str(len(compressed)).encode(),
            b"content-encoding": self.name.encode(),
        }
        if etag:
            changed[b"etag"] = self.tag_of(etag)
        start["headers"] = [*_without(headers, changed), *changed.items()]
        message["body"] = compressed

    def repeatable(self, marked: Repeatable) -> Repeatable:
        """Returns `marked` with compressed content."""
        return marked._replace(find_next=partial(self._find_next, marked.find_next))

    def _find_next(self, find_next: Callable[[], Next | None]) -> Next | None:
        found = find_next()
        if found is None:
            return None
        self.compress(found.start, found.body)
        return found._replace(repeatable=self.repeatable(found.repeatable))

    def tag_of(self, etag: bytes) -> bytes:
        """Returns the ETag of the compressed representation of `etag`."""
        return etag[:-1] + b"-" + self.name.encode() + b'"'


class _Compressing:
    """The `send` of one request, which delays the start of a text response until the first message of its body."""

    def __init__(self, scope: HTTPScope, send: Send, coding: _Coding) -> None:
        self._scope = scope
        self._send = send
        self._coding = coding
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
        compressed = self._coding.tag_of(etag)
        if etag and compressed in field_of(self._scope["headers"], b"if-none-match"):
            return [*_without(headers, (b"etag",)), (b"etag", compressed)]
        return headers

    async def _finish(self, start: HTTPResponseStartEvent, message: HTTPResponseBodyEvent) -> None:
        self._start = None
        if not message["more_body"]:
            self._coding.compress(start, message)
            if marked := self._scope["state"].get(REPEATABLE):
                self._scope["state"][REPEATABLE] = self._coding.repeatable(marked)
        await self._send(start)
        await self._send(message)


def _is_text(headers: Headers) -> bool:
    content_type = field_of(headers, b"content-type")
    is_stream = content_type.startswith(b"text/event-stream")
    return content_type.startswith(_TYPES) and not is_stream and not field_of(headers, b"content-encoding")


def _without(headers: Headers, names: Iterable[bytes]) -> Headers:
    return [(key, value) for key, value in headers if key not in names]


def _varying(headers: Headers) -> Headers:
    """Returns `headers` with Accept-Encoding in Vary (RFC 9110, 12.5.5)."""
    vary = field_of(headers, b"vary")
    if b"accept-encoding" in vary.lower():
        return headers
    field = vary + b", Accept-Encoding" if vary else b"Accept-Encoding"
    return [*_without(headers, (b"vary",)), (b"vary", field)]
