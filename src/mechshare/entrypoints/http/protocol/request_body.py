"""Request bodies: decoded strictly, unknown fields refused."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException
from msgspec import Struct

from mechshare.domain.errors import BodyTooLarge, MalformedRequest, UnsupportedContentType
from mechshare.entrypoints.http.protocol.errors import BodyTimedOut
from mechshare.entrypoints.http.shutdown import Shutdown

T = TypeVar("T")
JSON = ("application/json", "application/merge-patch+json")
MAX_BODY_BYTES = 256 * 1024
IDLE_TIMEOUT = 60.0
"""Seconds that a sender may leave between two pieces of a body; the server beneath would wait for ever."""


class Nothing(Struct, forbid_unknown_fields=True):
    """The body of a request that is told everything by its address."""


async def decoded_body(
    request: Request[Any, Any, Any],
    shape: type[T],
    if_empty: T | None = None,
    *,
    max_bytes: int = MAX_BODY_BYTES,
) -> T:
    """Returns the JSON body, of at most `max_bytes`, as `shape`; `if_empty` stands for a body that was left out.

    Raises UnsupportedContentType, MalformedRequest, BodyTooLarge.
    """
    body = await short_body(request, max_bytes)
    if not body and if_empty is not None:
        return if_empty
    content_type, _ = request.content_type
    if content_type not in JSON:
        raise UnsupportedContentType(content_type=content_type, accepted="application/json")
    return decoded(body, shape)


async def refuse_body(request: Request[Any, Any, Any]) -> None:
    """Nothing can be set here: raises as `decoded_body` does, unless the body is left out or an empty object."""
    await decoded_body(request, Nothing, Nothing())


async def arriving(request: Request[Any, Any, Any]) -> AsyncGenerator[bytes, None]:
    """The body in pieces, as it arrives.

    Raises MalformedRequest when the sender leaves before its end, and BodyTimedOut when nothing comes for IDLE_TIMEOUT.
    """
    stopping: Shutdown = request.app.state.stopping
    pieces = request.stream()
    try:
        while True:
            async with stopping.idle_timeout(IDLE_TIMEOUT):
                piece = await anext(pieces, None)
            if piece is None:
                return
            if piece:
                yield piece
    except TimeoutError as problem:
        raise BodyTimedOut() from problem
    except InternalServerException as problem:
        # The framework counts a sender who hangs up as a defect of the server's.
        raise MalformedRequest(problem="it broke off before its end.") from problem


async def short_body(request: Request[Any, Any, Any], max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Returns the body, of at most `max_bytes`. Raises BodyTooLarge, MalformedRequest."""
    gathered = bytearray()
    async with aclosing(arriving(request)) as pieces:
        async for piece in pieces:
            gathered += piece
            if len(gathered) > max_bytes:
                raise BodyTooLarge(limit=max_bytes)
    return bytes(gathered)


def decoded(body: bytes, shape: type[T]) -> T:
    """Raises MalformedRequest, naming the field at fault where one is."""
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
