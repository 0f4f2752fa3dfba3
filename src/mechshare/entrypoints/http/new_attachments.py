"""Adds attachments from multipart forms. The API and the edit page share it."""

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Struct

from mechshare.domain.attachments import MAX_CAPTION, Attachment, ReceivedFile
from mechshare.domain.errors import MalformedRequest, Unavailable, UnsupportedContentType
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of
from mechshare.entrypoints.http.protocol.multipart import FORM_OVERHEAD, Form, read_form
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.request_body import content_length, decoded
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]
AttachmentForm = Form[ReceivedFile]
_FORM = "multipart/form-data"


@published("NewAttachment")
class NewAttachment(Struct, forbid_unknown_fields=True):
    """The text fields of the form, whose file is the part `file`."""

    caption: Annotated[str, documented(maxLength=MAX_CAPTION)] = ""


async def add_from_form(request: Req, mechanism_id: MechanismId, form: AttachmentForm) -> Attachment:
    """Reads the multipart form into `form`, stores its file and attaches it. If it raises, no file remains.

    Raises MalformedRequest, and what `UploadService.receive_attachment` and `AttachmentService.add` raise.
    """
    application, actor = application_of(request), actor_of(request)
    await application.attachments.require_room(actor, mechanism_id)
    content_type, _ = request.content_type
    if content_type != _FORM:
        raise UnsupportedContentType(content_type=content_type, accepted=_FORM)
    expected = max(0, content_length(request) - FORM_OVERHEAD)
    receive = partial(application.uploads.receive_attachment, actor, expected_bytes=expected)
    try:
        await read_form(request, "file", receive, form)
        added = await _add(request, mechanism_id, form)
    except Unavailable:
        raise  # the attachment may have been stored, so its file must stay
    except BaseException:
        if form.file is not None:
            await application.uploads.discard(form.file)
        raise
    UPLOADED_BYTES.inc(added.size)
    return added


async def _add(request: Req, mechanism_id: MechanismId, form: AttachmentForm) -> Attachment:
    new = decoded(msgspec.json.encode(dict(form.fields)), NewAttachment)
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the file.")])
    attachments = application_of(request).attachments
    return await attachments.add(actor_of(request), mechanism_id, form.file, new.caption)
