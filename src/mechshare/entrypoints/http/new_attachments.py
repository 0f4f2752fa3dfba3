"""Adds attachments from multipart forms. The API and the edit page share it."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Struct

from mechshare.domain.attachments import MAX_CAPTION, Attachment, ReceivedFile
from mechshare.domain.errors import MalformedRequest
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.form_files import content_of, received_file, require_form
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.idempotency import KEY_HEADER, idempotent_request
from mechshare.entrypoints.http.protocol.multipart import Form
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.request_body import decoded
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]
AttachmentForm = Form[ReceivedFile]


@published("NewAttachment")
class NewAttachment(Struct, forbid_unknown_fields=True):
    """The text fields of the form, whose file is the part `file`."""

    caption: Annotated[str, documented(maxLength=MAX_CAPTION)] = ""


async def add_from_form(
    request: Req,
    mechanism_id: MechanismId,
    form: AttachmentForm,
    represent: Callable[[Attachment], object] | None = None,
) -> Attachment:
    """Reads the multipart form into `form`, stores its file and attaches it. If it raises, no file remains.

    With `represent`, a request with an Idempotency-Key takes effect once.

    Raises MalformedRequest, and what `UploadService.receive_attachment` and `AttachmentService.add` raise.
    """
    application, actor = application_of(request), actor_of(request)
    # A repeated request gets its stored response, whether there is room for another file or not.
    if KEY_HEADER not in request.headers:
        await application.attachments.require_room(actor, mechanism_id)
    require_form(request)
    async with received_file(request, form, application.uploads.receive_attachment):
        added = await _add(request, mechanism_id, form, represent)
    UPLOADED_BYTES.inc(added.size)
    return added


async def _add(
    request: Req,
    mechanism_id: MechanismId,
    form: AttachmentForm,
    represent: Callable[[Attachment], object] | None,
) -> Attachment:
    new = decoded(msgspec.json.encode(dict(form.fields)), NewAttachment)
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the file.")])
    return await application_of(request).attachments.add(
        actor_of(request),
        mechanism_id,
        form.file,
        new.caption,
        request_metadata=request_metadata_of(request),
        idempotency=idempotent_request(request, content_of(form), represent),
    )
