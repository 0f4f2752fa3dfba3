"""Begins searches by the clip of a multipart form. The API and the page of the search share it."""

from functools import partial
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest, Unavailable, UnsupportedContentType
from mechshare.domain.mechanisms import OriginalFile
from mechshare.domain.motion_searches import MotionSearch
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.multipart import FORM_OVERHEAD, Form, read_form
from mechshare.entrypoints.http.protocol.request_body import content_length

Req = Request[Any, Any, Any]
_FORM = "multipart/form-data"


async def search_from_form(request: Req) -> MotionSearch:
    """Stores the clip `file` of the multipart form and begins a search by it. If it raises, no file remains.

    Raises MalformedRequest, and what `UploadService.receive` and `MotionSearchService.begin` raise.
    """
    content_type, _ = request.content_type
    if content_type != _FORM:
        raise UnsupportedContentType(content_type=content_type, accepted=_FORM)
    uploads = application_of(request).uploads
    expected = max(0, content_length(request) - FORM_OVERHEAD)
    receive = partial(uploads.receive, actor_of(request), expected_bytes=expected)
    form = Form[OriginalFile]()
    try:
        await read_form(request, "file", receive, form)
        return await _begin(request, form)
    except Unavailable:
        raise  # the search may have been stored, so its clip must stay
    except BaseException:
        if form.file is not None:
            await uploads.discard(form.file)
        raise


async def _begin(request: Req, form: Form[OriginalFile]) -> MotionSearch:
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the clip.")])
    if form.fields:
        unknown = [(name, "is unknown: send only the file.") for name, _ in form.fields]
        raise MalformedRequest(problem="see details.", details=unknown)
    request_id = request_metadata_of(request).request_id
    return await application_of(request).motion_searches.begin(actor_of(request), form.file, request_id)
