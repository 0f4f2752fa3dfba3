"""Multipart forms (RFC 7578) that are read as they arrive, so that no file is ever held in memory."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from mechshare.domain.errors import BodyTooLarge, MalformedRequest
from mechshare.entrypoints.http.protocol.request_body import MAX_BODY_BYTES, arriving

T = TypeVar("T")
_MAX_TEXT_BYTES = MAX_BODY_BYTES
"""Of all text fields together: as much as a JSON body holds."""
_MAX_PARTS = 64
_MAX_BOUNDARY_LENGTH = 70
"""Characters (RFC 2046, 5.1.1). The parser looks for the boundary anew in each piece that arrives."""

Receive = Callable[[AsyncIterator[bytes], str], Awaitable[T]]
"""Takes a file's content as it arrives, and the name its sender gave it."""


@dataclass(slots=True)
class Form(Generic[T]):
    """The text fields in the order in which they came, their size in bytes, and what was made of the file."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    file: T | None = None
    text_bytes: int = 0


async def read_form(
    request: Request[Any, Any, Any], file_field: str, receive: Receive[T], form: Form[T]
) -> None:
    """Reads the body into `form`; the content of the part `file_field` goes to `receive`.

    When it raises, `form` holds what was received by then, so that the file can be given back. Raises
    MalformedRequest, BodyTooLarge, and what `receive` raises.
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
    """A segment, its content in pieces, None at its end; and so on."""
    async with aclosing(arriving(request)) as pieces:
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
            async for _ in content:  # what the receiver left
                continue
    else:
        async with aclosing(_content(events)) as content:
            form.fields.append((segment.name, await _text(content, segment, form)))


async def _content(events: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    """The content of one part, up to its end."""
    while (piece := await anext(events)) is not None:
        yield bytes(piece)


async def _text(content: AsyncIterator[bytes], segment: MultipartSegment, form: Form[T]) -> str:
    """A text field. Raises BodyTooLarge where all fields exceed _MAX_TEXT_BYTES, MalformedRequest if not UTF-8."""
    gathered = bytearray()
    async for piece in content:
        gathered += piece
        form.text_bytes += len(piece)
        if form.text_bytes > _MAX_TEXT_BYTES:
            raise BodyTooLarge(limit=_MAX_TEXT_BYTES)
    try:
        return gathered.decode("utf-8")
    except UnicodeDecodeError as problem:
        details = [(segment.name, "is not UTF-8 text.")]
        raise MalformedRequest(problem="see details.", details=details) from problem
