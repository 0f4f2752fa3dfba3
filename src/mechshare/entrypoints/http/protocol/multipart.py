"""Reads multipart forms (RFC 7578) as a stream, so that files are never in memory as a whole."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from mechshare.domain.errors import BodyTooLarge, MalformedRequest
from mechshare.entrypoints.http.protocol.request_body import MAX_BODY_BYTES, body_pieces

T = TypeVar("T")
_MAX_TEXT_BYTES = MAX_BODY_BYTES
"""All text fields together; the same limit as for a JSON body."""
FORM_OVERHEAD = 4 * 1024
"""Bytes of a form, without its file, that Content-Length may include; more is reserved as it arrives."""
_MAX_PARTS = 64
_MAX_BOUNDARY_LENGTH = 70
"""Characters (RFC 2046, 5.1.1). The parser searches each piece for the boundary."""

Receive = Callable[[AsyncIterator[bytes], str], Awaitable[T]]
"""Receives the content of a file as it arrives, and the file name from the form."""


@dataclass(slots=True)
class Form(Generic[T]):
    """The text fields in order of arrival, their total size in bytes, and the result of `receive` for the file."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    file: T | None = None
    text_bytes: int = 0


async def read_form(
    request: Request[Any, Any, Any], file_field: str, receive: Receive[T], form: Form[T]
) -> None:
    """Reads the body into `form`; passes the content of the part `file_field` to `receive`.

    On an error `form` contains what was read before, so that the caller can discard the file. Raises
    MalformedRequest, BodyTooLarge, BodyTimedOut, and the errors of `receive`.
    """
    try:
        parser = PushMultipartParser(_boundary(request), max_segment_count=_MAX_PARTS)
        async with aclosing(_events(request, parser)) as events:
            async for segment in events:
                await _read_part(events, segment, file_field, receive, form)
    except MultipartError as problem:
        raise MalformedRequest(problem=f"the form is broken ({problem.args[0]}).") from problem


def _boundary(request: Request[Any, Any, Any]) -> str:
    _, parameters = request.content_type
    boundary = parameters.get("boundary", "")
    if not 1 <= len(boundary) <= _MAX_BOUNDARY_LENGTH:
        rule = f"needs a boundary of 1 to {_MAX_BOUNDARY_LENGTH} characters (RFC 2046)."
        raise MalformedRequest(problem="see details.", details=[("Content-Type", rule)])
    return boundary


async def _events(request: Request[Any, Any, Any], parser: PushMultipartParser) -> AsyncGenerator[Any, None]:
    """Yields for each part its segment, its content in pieces, and None at its end."""
    async with aclosing(body_pieces(request)) as pieces:
        with parser:
            async for piece in pieces:
                for event in parser.parse(piece):
                    yield event


async def _read_part(
    events: AsyncGenerator[Any, None],
    segment: MultipartSegment,
    file_field: str,
    receive: Receive[T],
    form: Form[T],
) -> None:
    if segment.name == file_field:
        if form.file is not None:
            raise MalformedRequest(problem="see details.", details=[(file_field, "was sent twice.")])
        async with aclosing(_content(events)) as content:
            form.file = await receive(content, segment.filename or "")
            async for _ in content:  # skips what `receive` did not read
                continue
    else:
        async with aclosing(_content(events)) as content:
            form.fields.append((segment.name, await _text(content, segment, form)))


async def _content(events: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    """Yields the content of the current part up to its end."""
    while (piece := await anext(events)) is not None:
        yield bytes(piece)


async def _text(content: AsyncIterator[bytes], segment: MultipartSegment, form: Form[T]) -> str:
    """Returns a text field. Raises BodyTooLarge if all fields exceed _MAX_TEXT_BYTES, MalformedRequest if not UTF-8."""
    buffer = bytearray()
    async for piece in content:
        buffer += piece
        form.text_bytes += len(piece)
        if form.text_bytes > _MAX_TEXT_BYTES:
            raise BodyTooLarge(limit=_MAX_TEXT_BYTES)
    try:
        return buffer.decode("utf-8")
    except UnicodeDecodeError as problem:
        details = [(segment.name, "is not UTF-8 text.")]
        raise MalformedRequest(problem="see details.", details=details) from problem
