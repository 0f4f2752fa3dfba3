"""/media, and /mechanisms/{id}/original, /document and /pages/{number}"""

import re
from collections.abc import AsyncIterator, Iterator
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from mechshare.domain.errors import Forbidden
from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import PageNotFound
from mechshare.domain.policy import Viewer
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.entity_tags import is_not_modified
from mechshare.entrypoints.http.protocol.errors import RangeNotSatisfiable
from mechshare.entrypoints.http.protocol.openapi import OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.media import StoredMedia

Req = Request[Any, Any, Any]
TAG = Tag("media", "The files themselves")
PUBLIC_MEDIA = "public, max-age=3600, s-maxage=1, immutable"
"""The content of a URL never changes, but a mechanism may be withdrawn: shared caches ask again after a second."""
PRIVATE_MEDIA = "private, max-age=3600, immutable"
ORIGINAL = "private, no-cache"
_CONCURRENCY = 256 * 1024
"""Maximum bytes that are sent as one body, which takes a third of the time of a stream."""
STREAM_PIECE_BYTES = 64 * 1024
"""Bytes. Granian buffers several pieces of each stream, however slowly the client reads."""
_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*\Z", re.IGNORECASE)
_MAX_OFFSET = 10**18
_MAX_PAGE_DIGITS = 6
_RANGED = {
    206: ResponseSpec(bytes, generate_examples=False, description="A part of the file (Range)"),
    302: ResponseSpec(
        None, generate_examples=False, description="A temporary address at which the store serves the file"
    ),
    304: ResponseSpec(
        None, generate_examples=False, description="Not modified (If-None-Match or If-Modified-Since)"
    ),
}
Mechanism = FromPath[str]
Expires = Annotated[int, QueryParameter(name="expires", ge=0, le=2**53)]
Signature = Annotated[str, QueryParameter(name="signature", max_length=64)]


@get(
    "/api/v1/media/{mechanism_id:str}/{name:str}",
    operation_id="getMedia",
    summary="Download a media file",
    responses=_RANGED,
    opt=OPTIONAL_TOKEN,
)
async def get_media(
    request: Req,
    mechanism_id: Mechanism,
    name: FromPath[str],
    expires: Expires = 0,
    signature: Signature = "",
) -> Response[bytes]:
    """Returns the file of a `file_url`, `thumbnail_url` or `preview_url`, or one range of it."""
    viewer = None if signature else await viewer_of(request)
    found = await application_of(request).media.find_media(
        viewer, f"media/{mechanism_id}/{name}", expires=expires, signature=signature
    )
    if not found.is_public:
        await _note_read(request, viewer, mechanism_id)
    return await _served(request, found, PUBLIC_MEDIA if found.is_public else PRIVATE_MEDIA)


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/original",
    guards=[require_permissions()],
    operation_id="downloadOriginal",
    summary="Download the original",
    opt=refuses(Forbidden),
    responses=_RANGED,
)
async def get_original(request: Req, mechanism_id: Mechanism) -> Response[bytes]:
    """Returns the uploaded clip, byte for byte, to its owner and admins."""
    actor, id = actor_of(request), MechanismId(mechanism_id)
    found = await application_of(request).media.find_original(actor, id)
    await application_of(request).audit.record_original_read(actor, id, request_metadata_of(request))
    return await _served(request, found, ORIGINAL)


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/document",
    operation_id="downloadDocument",
    summary="Download a document",
    responses=_RANGED,
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
    return await _served(request, found, ORIGINAL)


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/pages/{number:str}",
    operation_id="getPage",
    summary="Show a page of a document",
    responses=_RANGED,
    opt=OPTIONAL_TOKEN,
)
async def get_page(request: Req, mechanism_id: Mechanism, number: FromPath[str]) -> Response[bytes]:
    """Returns the picture (WebP) of a page, counted from 1."""
    viewer = await viewer_of(request)
    found = await application_of(request).media.find_page(
        viewer, MechanismId(mechanism_id), _page_number(number)
    )
    await _note_read(request, viewer, mechanism_id)
    return await _served(request, found, ORIGINAL)


def _page_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_PAGE_DIGITS:
        raise PageNotFound()
    return int(text)


async def _note_read(request: Req, viewer: Viewer, mechanism_id: str) -> None:
    audit = application_of(request).audit
    await audit.record_draft_part_read(viewer, MechanismId(mechanism_id), request_metadata_of(request))


async def _served(request: Req, media: StoredMedia, cache: str) -> Response[Any]:
    etag = f'"{media.key.rpartition("/")[2].partition(".")[0]}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        "Content-Disposition": _disposition(media),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": etag,
        "Last-Modified": _last_modified(media),
    }
    if is_not_modified(request, etag, media.created_at):
        return Response(content=None, status_code=304, headers=headers)
    service = application_of(request).media
    link = await service.direct_link(media, headers["Content-Disposition"])
    if link is not None:
        hidden = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
        return Response(content=None, status_code=302, headers={"Location": link, **hidden})
    part = _range(request, etag, media)
    start, end = part or (0, media.size)
    status = 206 if part else 200
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{media.size}"
    headers["Content-Length"] = str(end - start)
    chunks = service.read(media, start, end)
    if end - start <= _CONCURRENCY:
        content = b"".join([chunk async for chunk in chunks])
        return Response(content, status_code=status, headers=headers, media_type=media.content_type)
    chunks_read_ahead = await _read_first(chunks)
    return Stream(chunks_read_ahead, status_code=status, headers=headers, media_type=media.content_type)


async def _read_first(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Reads the first chunk, so that a missing file raises before the status is sent; yields all chunks."""
    first = await anext(chunks)

    async def all_pieces() -> AsyncIterator[bytes]:
        nonlocal first
        for piece in _pieces(first):
            yield piece
        first = b""  # frees the memory: a slow client may take hours for the rest
        async for chunk in chunks:
            for piece in _pieces(chunk):
                yield piece

    return all_pieces()


def _pieces(chunk: bytes) -> Iterator[bytes]:
    for offset in range(0, len(chunk), STREAM_PIECE_BYTES):
        yield chunk[offset : offset + STREAM_PIECE_BYTES]


def _range(request: Req, etag: str, media: StoredMedia) -> tuple[int, int] | None:
    """Returns the requested range as start and end, end exclusive (RFC 9110, 14); None for the whole file.

    Several ranges, a malformed range and a failed If-Range get the whole file, as the RFC allows. Raises
    RangeNotSatisfiable.
    """
    matched = _RANGE.match(request.headers.get("range", ""))
    if matched is None or request.headers.get("if-range", etag) not in (etag, _last_modified(media)):
        return None
    first, last = (_offset(digits) for digits in matched.groups())
    if first is None:
        if last is None:
            return None
        start, end = max(0, media.size - last), media.size
    else:
        start, end = first, media.size if last is None else min(media.size, last + 1)
        if last is not None and last < first:
            return None
    if start >= end:
        raise RangeNotSatisfiable(size=media.size)
    return start, end


def _offset(digits: str) -> int | None:
    """Returns a position in a file, which may be written with any number of digits; None if there are none."""
    significant = digits.lstrip("0")[: len(str(_MAX_OFFSET))]
    return min(int(significant or "0"), _MAX_OFFSET) if digits else None


def _last_modified(media: StoredMedia) -> str:
    return format_datetime(media.created_at.replace(microsecond=0), usegmt=True)


def _disposition(media: StoredMedia) -> str:
    """Returns Content-Disposition (RFC 6266): inline, or attachment with the file name of the upload."""
    if media.download_name is None:
        return "inline"
    return f"attachment; filename*=UTF-8''{quote(media.download_name or 'file')}"


router = Router("/", tags=[TAG.name], route_handlers=[get_media, get_original, get_document, get_page])
