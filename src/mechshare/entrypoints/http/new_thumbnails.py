"""Takes pictures for thumbnails from multipart forms. The API and the page of a mechanism share it."""

from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.originals import OriginalFile
from mechshare.entrypoints.http.form_files import received_file, require_form
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.multipart import Form
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]


async def choose_from_form(request: Req, mechanism_id: MechanismId) -> AuthoredMechanism:
    """Stores the picture `file` of the multipart form and chooses it as the thumbnail. If it raises, no file remains.

    Raises MalformedRequest, and what `UploadService.receive_thumbnail` and `ThumbnailService.choose_own_thumbnail`
    raise.
    """
    application, actor = application_of(request), actor_of(request)
    await application.thumbnails.require_choosable(actor, mechanism_id)
    require_form(request)
    form = Form[OriginalFile]()
    async with received_file(request, form, application.uploads.receive_thumbnail):
        return await _choose(request, mechanism_id, form)


async def _choose(request: Req, mechanism_id: MechanismId, form: Form[OriginalFile]) -> AuthoredMechanism:
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the picture.")])
    chosen = await application_of(request).thumbnails.choose_own_thumbnail(
        actor_of(request), mechanism_id, form.file, request_metadata_of(request)
    )
    UPLOADED_BYTES.inc(form.file.size)
    return chosen
