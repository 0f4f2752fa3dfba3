"""Reads and decodes request bodies; refuses unknown fields and slow senders."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException
from msgspec import Struct

from mechshare.domain.errors import BodyTooLarge, MalformedRequest, UnsupportedContentType
from mechshare.entrypoints.http.protocol.errors import BodyTimedOut, UnsupportedContentCoding
from mechshare.entrypoints.http.protocol.header_fields import stated_length
from mechshare.entrypoints.http.shutdown import Shutdown

T = TypeVar("T")
JSON = ("application/json", "application/merge-patch+json")
MAX_BODY_BYTES = 256 * 1024
MAX_BODY_SECONDS = 30.0
"""Seconds in which a body of at most MAX_BODY_BYTES must have arrived."""
MAX_UPLOAD_SECONDS = 7_200.0
"""Seconds in which any other body must have arrived."""
WINDOW_BYTES, WINDOW_SECONDS = 128 * 1024, 30.0
"""Minimum rate: WINDOW_BYTES, or the rest of the body, must arrive within WINDOW_SECONDS (about 4 KiB/s)."""
SPARE_PIECES, MIN_PIECE_BYTES = 256, 512
"""Beyond the first SPARE_PIECES, the pieces of a body must average MIN_PIECE_BYTES: a small piece costs as much time as
one of 64 KiB."""


class Nothing(Struct, forbid_unknown_fields=True):
    """The body of a request without parameters: an empty object."""


async def decoded_body(
    request: Request[Any, Any, Any],
    shape: type[T],
    if_empty: T | None = None,
    *,
    max_bytes: int = MAX_BODY_BYTES,
) -> T:
    """Returns the JSON body, of at most `max_bytes`, as `shape`; `if_empty`, if given, for an empty body.

    Raises UnsupportedContentType, MalformedRequest, BodyTooLarge.
    """
    body = await short_body(request, max_bytes)
    if not body and if_empty is not None:
        return if_empty
    content_type, _ = request.content_type
    if content_type not in JSON:
        raise UnsupportedContentType(content_type=content_type, accepted="application/json")
    return decoded(body, shape)


def content_length(request: Request[Any, Any, Any]) -> int:
    """Returns the stated length of the body in bytes; 0 if it is not stated."""
    return stated_length(request.scope["headers"]) or 0


async def refuse_body(request: Request[Any, Any, Any]) -> None:
    """Raises as `decoded_body` does, unless the body is missing or an empty object."""
    await decoded_body(request, Nothing, Nothing())


async def body_pieces(
    request: Request[Any, Any, Any], max_seconds: float = MAX_UPLOAD_SECONDS
) -> AsyncGenerator[bytes, None]:
    """Yields the pieces of the body as they arrive. Only time spent waiting for the next piece counts.

    Raises MalformedRequest if the client disconnects before the end or sends too many small pieces; BodyTimedOut if it
    sends less than WINDOW_BYTES in WINDOW_SECONDS, or has not finished after `max_seconds`; UnsupportedContentCoding.
    """
    _require_identity(request)
    length = stated_length(request.scope["headers"])
    pace = _Pace(max_seconds)
    pieces = request.stream()
    try:
        while pace.received != length:
            piece = await pace.wait_for(pieces, request.app.state.shutdown)
            if piece is None:
                return
            if piece:
                yield piece
    except TimeoutError as problem:
        raise BodyTimedOut() from problem
    except InternalServerException as problem:
        # The framework reports a disconnected client as an internal error.
        raise MalformedRequest(
            problem="the connection was closed before the end of the body. Send it again."
        ) from problem


def _require_identity(request: Request[Any, Any, Any]) -> None:
    """Raises UnsupportedContentCoding for a compressed body (RFC 9110, 8.4): a small one could expand without limit."""
    coding = request.headers.get("content-encoding", "").strip()
    if coding.lower() not in ("", "identity"):
        raise UnsupportedContentCoding(coding=coding)


class _Pace:
    """Enforces a minimum rate, a total time and a minimum average size of pieces."""

    def __init__(self, max_seconds: float) -> None:
        self._remaining = max_seconds
        self._window_remaining = WINDOW_SECONDS
        self._window_bytes = 0
        self._pieces = 0
        self.received = 0
        """Bytes."""

    async def wait_for(self, pieces: AsyncIterator[bytes], shutdown: Shutdown) -> bytes | None:
        """Returns the next piece, None at the end. Raises TimeoutError, MalformedRequest."""
        began = time.monotonic()
        async with shutdown.idle_timeout(min(self._remaining, self._window_remaining)):
            piece = await anext(pieces, None)
        waited = time.monotonic() - began
        self._remaining -= waited
        self._window_remaining -= waited
        self._count(len(piece or b""))
        return piece

    def _count(self, size: int) -> None:
        self._pieces += 1
        self.received += size
        self._window_bytes += size
        if self._window_bytes >= WINDOW_BYTES:
            self._window_bytes, self._window_remaining = 0, WINDOW_SECONDS
        if self._pieces > SPARE_PIECES + self.received // MIN_PIECE_BYTES:
            raise MalformedRequest(
                problem=f"the body comes in very small pieces. Send at least {MIN_PIECE_BYTES} bytes at a time."
            )


async def short_body(request: Request[Any, Any, Any], max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Returns the body, of at most `max_bytes`. Raises BodyTooLarge, and the errors of `body_pieces`."""
    if stated_length(request.scope["headers"]) == 0:
        return b""
    buffer = bytearray()
    async with aclosing(body_pieces(request, MAX_BODY_SECONDS)) as pieces:
        async for piece in pieces:
            buffer += piece
            if len(buffer) > max_bytes:
                raise BodyTooLarge(limit=max_bytes)
    return bytes(buffer)


def decoded(body: bytes, shape: type[T]) -> T:
    """Decodes JSON as `shape`. Raises MalformedRequest; its details name the invalid field, if there is one."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as problem:
        message, _, path = str(problem).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise MalformedRequest(
            problem="see details.", details=[(field or "(body)", f"{message}.")]
        ) from problem
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MalformedRequest(problem=f"the body is not JSON ({problem}).") from problem
    except RecursionError as problem:
        raise MalformedRequest(problem="the body is nested too deeply.") from problem
