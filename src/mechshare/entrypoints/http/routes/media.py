"""/media, and /mechanisms/{id}/original, /document and /pages/{number}"""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import FromPath

from mechshare.domain.errors import Forbidden
from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import PageNotFound
from mechshare.domain.policy import Viewer
from mechshare.entrypoints.http.protocol.auth import (
    application_of,
    request_metadata_of,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.openapi import OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.protocol.served_files import (
    MEDIA_PATH,
    ORIGINAL,
    PUBLIC_MEDIA,
    RANGED,
    Expires,
    Signature,
    served_file,
)
from mechshare.entrypoints.http.protocol.visits import note_download
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("media", "The files themselves")
PRIVATE_MEDIA = "private, max-age=3600, immutable"
_MAX_PAGE_DIGITS = 6
Mechanism = FromPath[str]


@get(
    MEDIA_PATH + "/{mechanism_id:str}/{name:str}",
    operation_id="getMedia",
    summary="Download a media file",
    responses=RANGED,
    opt=OPTIONAL_TOKEN,
)
async def get_media(
    request: Req,
    mechanism_id: Mechanism,
    name: FromPath[str],
    expires: Expires = 0,
    signature: Signature = "",
) -> Response[bytes]:
    """Returns the file of a `file_url`, `thumbnail_url`, `preview_url` or `motion_url`, or one range of it."""
    viewer = None if signature else await viewer_of(request)
    found = await application_of(request).media.find_media(
        viewer, f"media/{mechanism_id}/{name}", expires=expires, signature=signature
    )
    if not found.is_public:
        await _note_read(request, viewer, mechanism_id)
    return await served_file(request, found, PUBLIC_MEDIA if found.is_public else PRIVATE_MEDIA)


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/original",
    operation_id="downloadOriginal",
    summary="Download the original",
    opt={**OPTIONAL_TOKEN, **refuses(Forbidden)},
    responses=RANGED,
)
async def get_original(request: Req, mechanism_id: Mechanism) -> Response[bytes]:
    """Returns the original as it is stored: to its owner and admins, and with `original_offered` to all who see the
    mechanism."""
    viewer, id = await viewer_of(request), MechanismId(mechanism_id)
    found = await application_of(request).media.find_original(viewer, id)
    await application_of(request).audit.record_original_read(viewer, id, request_metadata_of(request))
    response = await served_file(request, found, ORIGINAL)
    note_download(request, viewer, id, response)
    return response


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/document",
    operation_id="downloadDocument",
    summary="Download a document",
    responses=RANGED,
    opt=OPTIONAL_TOKEN,
)
async def get_document(
    request: Req, mechanism_id: Mechanism, expires: Expires = 0, signature: Signature = ""
) -> Response[bytes]:
    """Returns the main file of a document, byte for byte, or one range of it: its `file_url`."""
    viewer = None if signature else await viewer_of(request)
    found = await application_of(request).media.find_document(
        viewer, MechanismId(mechanism_id), expires=expires, signature=signature
    )
    await _note_read(request, viewer, mechanism_id)
    response = await served_file(request, found, ORIGINAL)
    note_download(request, viewer, MechanismId(mechanism_id), response)
    return response


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/pages/{number:str}",
    operation_id="getPage",
    summary="Show a page of a document",
    responses=RANGED,
    opt=OPTIONAL_TOKEN,
)
async def get_page(request: Req, mechanism_id: Mechanism, number: FromPath[str]) -> Response[bytes]:
    """Returns the picture (WebP) of a page, counted from 1."""
    viewer = await viewer_of(request)
    found = await application_of(request).media.find_page(
        viewer, MechanismId(mechanism_id), _page_number(number)
    )
    await _note_read(request, viewer, mechanism_id)
    return await served_file(request, found, ORIGINAL)


def _page_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_PAGE_DIGITS:
        raise PageNotFound()
    return int(text)


async def _note_read(request: Req, viewer: Viewer, mechanism_id: str) -> None:
    audit = application_of(request).audit
    await audit.record_draft_part_read(viewer, MechanismId(mechanism_id), request_metadata_of(request))


router = Router("/", tags=[TAG.name], route_handlers=[get_media, get_original, get_document, get_page])
