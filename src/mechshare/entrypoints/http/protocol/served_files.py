"""Serves stored files, whole or in ranges."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from mechshare.application import Application
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.entity_tags import is_not_modified
from mechshare.entrypoints.http.protocol.errors import RangeNotSatisfiable
from mechshare.services.media import StoredMedia

Req = Request[Any, Any, Any]
Expires = Annotated[int, QueryParameter(name="expires", ge=0, le=2**53)]
Signature = Annotated[str, QueryParameter(name="signature", max_length=64)]
API = "/api/v1/"
MEDIA_PATH = f"{API}media"
PUBLIC_MEDIA = "public, max-age=3600, s-maxage=1, immutable"
"""The content of a URL never changes, but a mechanism may be withdrawn: shared caches ask again after a second."""
_X_ACCEL, _X_SENDFILE = "X-Accel-Redirect", "X-Sendfile"
OFFLOAD_FIELDS = frozenset((_X_ACCEL, _X_SENDFILE))
"""Fields of responses by which a proxy sends the file, or the range of it that the client asks for."""
OFFLOAD_LOCATION = "/mechshare-media/"
"""The internal location of nginx for MECHSHARE_MEDIA_OFFLOAD=x-accel: an alias of the folder of the files."""
ORIGINAL = "private, no-cache"
"""The Cache-Control of a file as it was sent."""
MAX_BODY_BYTES = 256 * 1024
"""Maximum bytes that are sent as one body, which takes a third of the time of a stream."""
STREAM_PIECE_BYTES = 64 * 1024
"""Bytes. Granian buffers several pieces of each stream, however slowly the client reads."""
_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*\Z", re.IGNORECASE)
_MAX_OFFSET = 10**18
RANGED = {
    206: ResponseSpec(bytes, generate_examples=False, description="A part of the file (Range)"),
    302: ResponseSpec(
        None, generate_examples=False, description="A temporary address at which the store serves the file"
    ),
    304: ResponseSpec(
        None, generate_examples=False, description="Not modified (If-None-Match or If-Modified-Since)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResponse:
    """The response to a request for a file; `body` are the bytes of the file that it sends, None without any."""

    status: int
    headers: dict[str, str]
    body: range | None = None


async def file_response(
    application: Application, requested: Mapping[str, str], media: StoredMedia, cache: str
) -> FileResponse:
    """Returns how to respond to a request with the headers `requested`. Raises RangeNotSatisfiable."""
    etag = f'"{media.key.rpartition("/")[2].partition(".")[0]}"'
    disposition = _disposition(media)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        "Content-Disposition": disposition,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": etag,
        "Last-Modified": _last_modified(media),
    }
    if is_not_modified(requested, etag, media.created_at):
        return FileResponse(status=304, headers=headers)
    link = await application.media.direct_link(media, disposition)
    if link is not None:
        hidden = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
        return FileResponse(status=302, headers={"Location": link, **hidden})
    headers["Content-Type"] = media.content_type
    if offloaded := _offloaded(application, media):
        return FileResponse(status=200, headers=headers | offloaded)
    part = _range(requested, etag, media)
    start, end = part or (0, media.size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{media.size}"
    headers["Content-Length"] = str(end - start)
    return FileResponse(status=206 if part else 200, headers=headers, body=range(start, end))


async def served_file(request: Req, media: StoredMedia, cache: str) -> Response[Any]:
    """Returns the file, or the range of it that the request asks for. Raises RangeNotSatisfiable, MediaNotFound,
    MediaDamaged."""
    application = application_of(request)
    found = await file_response(application, request.headers, media, cache)
    if found.body is None:
        return Response(content=None, status_code=found.status, headers=found.headers)
    if len(found.body) <= MAX_BODY_BYTES:
        content = await content_of(application, media, found.body)
        return Response(
            content, status_code=found.status, headers=found.headers, media_type=media.content_type
        )
    chunks = application.media.read(media, found.body.start, found.body.stop)
    chunks_read_ahead = await _read_first(chunks)
    return Stream(
        chunks_read_ahead, status_code=found.status, headers=found.headers, media_type=media.content_type
    )


async def content_of(application: Application, media: StoredMedia, part: range) -> bytes:
    """Returns these bytes of the file. Raises MediaNotFound, MediaDamaged."""
    return b"".join([chunk async for chunk in application.media.read(media, part.start, part.stop)])


def _offloaded(application: Application, media: StoredMedia) -> dict[str, str]:
    """Returns the header by which the proxy sends the file itself; {} without MECHSHARE_MEDIA_OFFLOAD."""
    offload = application.settings.media_offload
    file = application.media.file(media) if offload else None
    if file is None:
        return {}
    if offload == "x-accel":
        return {_X_ACCEL: OFFLOAD_LOCATION + quote(file.below)}
    return {_X_SENDFILE: quote(file.path)}


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


def _range(requested: Mapping[str, str], etag: str, media: StoredMedia) -> tuple[int, int] | None:
    """Returns the requested range as start and end, end exclusive (RFC 9110, 14); None for the whole file.

    Several ranges, a malformed range and a failed If-Range get the whole file, as the RFC allows. Raises
    RangeNotSatisfiable.
    """
    matched = _RANGE.match(requested.get("range", ""))
    if matched is None or requested.get("if-range", etag) not in (etag, _last_modified(media)):
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
