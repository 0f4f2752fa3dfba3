"""Begins searches by the clip of a multipart form. The API and the page of the search share it."""

from collections.abc import Callable
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.motion_searches import MotionSearch
from mechshare.domain.originals import OriginalFile
from mechshare.entrypoints.http.form_files import content_of, received_file, require_form
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.multipart import Form

Req = Request[Any, Any, Any]


Represent = Callable[[MotionSearch], object]


async def search_from_form(request: Req, represent: Represent | None = None) -> MotionSearch:
    """Stores the clip `file` of the multipart form and begins a search by it. If it raises, no file remains.

    With `represent`, a request with an Idempotency-Key takes effect once.

    Raises MalformedRequest, and what `UploadService.receive` and `MotionSearchService.begin` raise.
    """
    require_form(request)
    form = Form[OriginalFile]()
    async with received_file(request, form, application_of(request).uploads.receive):
        return await _begin(request, form, represent)


async def _begin(request: Req, form: Form[OriginalFile], represent: Represent | None) -> MotionSearch:
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the clip.")])
    if form.fields:
        unknown = [(name, "is unknown: send only the file.") for name, _ in form.fields]
        raise MalformedRequest(problem="see details.", details=unknown)
    request_id = request_metadata_of(request).request_id
    idempotency = idempotent_request(request, content_of(form), represent)
    searches = application_of(request).motion_searches
    return await searches.begin(actor_of(request), form.file, request_id, idempotency)
