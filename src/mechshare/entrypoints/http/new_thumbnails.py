"""Takes pictures for thumbnails from multipart forms. The API and the page of a mechanism share it."""

from functools import partial
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest, Unavailable, UnsupportedContentType
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism, OriginalFile
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.multipart import FORM_OVERHEAD, Form, read_form
from mechshare.entrypoints.http.protocol.request_body import content_length
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]
_FORM = "multipart/form-data"


async def choose_from_form(request: Req, mechanism_id: MechanismId) -> AuthoredMechanism:
    """Stores the picture `file` of the multipart form and chooses it as the thumbnail. If it raises, no file remains.

    Raises MalformedRequest, and what `UploadService.receive_thumbnail` and `ThumbnailService.choose_own_thumbnail`
    raise.
    """
    application, actor = application_of(request), actor_of(request)
    await application.thumbnails.require_choosable(actor, mechanism_id)
    content_type, _ = request.content_type
    if content_type != _FORM:
        raise UnsupportedContentType(content_type=content_type, accepted=_FORM)
    expected = max(0, content_length(request) - FORM_OVERHEAD)
    receive = partial(application.uploads.receive_thumbnail, actor, expected_bytes=expected)
    form = Form[OriginalFile]()
    try:
        await read_form(request, "file", receive, form)
        return await _choose(request, mechanism_id, form)
    except Unavailable:
        raise  # the choice may have been stored, so its picture must stay
    except BaseException:
        if form.file is not None:
            await application.uploads.discard(form.file)
        raise


async def _choose(request: Req, mechanism_id: MechanismId, form: Form[OriginalFile]) -> AuthoredMechanism:
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the picture.")])
    chosen = await application_of(request).thumbnails.choose_own_thumbnail(
        actor_of(request), mechanism_id, form.file, request_metadata_of(request)
    )
    UPLOADED_BYTES.inc(form.file.size)
    return chosen
