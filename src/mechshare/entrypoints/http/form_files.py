"""The file of a multipart form, which is stored while the form is read, and that of a complete upload."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

from litestar import Request

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import Unavailable, UnsupportedContentType
from mechshare.domain.ids import UploadId
from mechshare.domain.originals import OriginalFile
from mechshare.domain.uploads import UploadNotFound
from mechshare.domain.users import Actor
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of
from mechshare.entrypoints.http.protocol.multipart import FORM_OVERHEAD, Form, read_form
from mechshare.entrypoints.http.protocol.request_body import content_length

_FORM_TYPE = "multipart/form-data"
Stored = TypeVar("Stored", OriginalFile, ReceivedFile)
StoredOut = TypeVar("StoredOut", covariant=True)


class Receiver(Protocol[StoredOut]):
    """A method of `UploadService` that stores a file."""

    def __call__(
        self, actor: Actor, chunks: AsyncIterator[bytes], name: str, *, expected_bytes: int
    ) -> Awaitable[StoredOut]: ...


def require_form(request: Request[Any, Any, Any]) -> None:
    """Raises UnsupportedContentType if the body is not a multipart form."""
    content_type, _ = request.content_type
    if content_type != _FORM_TYPE:
        raise UnsupportedContentType(content_type=content_type, accepted=_FORM_TYPE)


def content_of(form: Form[Stored]) -> object:
    """Returns what the form says, which is the same whenever it is sent."""
    return [form.fields, (form.file.name, form.file.sha256) if form.file else None]


async def finished_upload(
    request: Request[Any, Any, Any], upload_id: UploadId, require_room: Callable[[], Awaitable[None]]
) -> ReceivedFile:
    """Returns the complete upload as a file of any kind, where `require_room` raises nothing.

    Raises what it and `ResumableUploadService.finish_attachment` raise.
    """
    await require_room()
    try:
        return await application_of(request).resumable_uploads.finish_attachment(actor_of(request), upload_id)
    except UploadNotFound:
        await require_room()  # the same request, sent at the same time, may have ended the upload
        raise


@asynccontextmanager
async def received_file(
    request: Request[Any, Any, Any], form: Form[Stored], receive: Receiver[Stored]
) -> AsyncIterator[None]:
    """Reads the form into `form`, and stores its part `file` by `receive`; the body of the `async with` uses the file.

    If anything raises, the file is discarded, unless it is Unavailable: then what uses the file may have been stored.
    Raises MalformedRequest, and what `receive` raises.
    """
    expected = max(0, content_length(request) - FORM_OVERHEAD)
    try:
        await read_form(request, "file", partial(receive, actor_of(request), expected_bytes=expected), form)
        yield
    except Unavailable:
        raise
    except BaseException:
        if form.file is not None:
            await application_of(request).uploads.discard(form.file)
        raise
