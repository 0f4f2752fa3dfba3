"""/uploads: tus 1.0"""

from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, delete, get, patch, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import (
    Conflict,
    DomainException,
    NotFound,
    OutOfSpace,
    TooLarge,
    TooMany,
    UnsupportedMedia,
)
from mechshare.domain.ids import UploadId
from mechshare.domain.uploads import ChecksumMismatch, Upload
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, limits, require_permissions
from mechshare.entrypoints.http.protocol.errors import UnsupportedTusVersion
from mechshare.entrypoints.http.protocol.header_fields import stated_length
from mechshare.entrypoints.http.protocol.openapi import refuses
from mechshare.entrypoints.http.protocol.request_body import body_pieces
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.tus import (
    UPLOADS_PATH,
    checksum_of,
    metadata_of,
    require_content_type,
    require_version,
    required_number,
    upload_headers,
)
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.resumable_uploads import NewUpload

Req = Request[Any, Any, Any]
TAG = Tag(
    "uploads", "Files in several requests, which may be cut (tus 1.0); POST /mechanisms/from-upload uses them"
)
_SENT = ("Upload-Offset", "Upload-Expires")


@published("Upload")
class UploadResponse(Struct):
    """A file under way: the first `offset` of its `size` bytes are stored."""

    id: str
    name: str
    size: int
    offset: int
    created_at: datetime
    expires_at: datetime


@post(
    "/",
    guards=[require_permissions("mechanisms:create")],
    request_max_body_size=None,
    status_code=201,
    operation_id="createUpload",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Begin an upload",
    opt={
        **refuses(TooLarge, TooMany, UnsupportedMedia, UnsupportedTusVersion, ChecksumMismatch, OutOfSpace),
        "accepted_headers": ("Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"),
        "sent_headers": ("Location", *_SENT),
    },
)
async def create_upload(request: Req) -> Response[None]:
    """Takes Upload-Length and Upload-Metadata (`filename`), and the first bytes as the body if it has any.

    Location is the address of the upload.
    """
    require_version(request)
    has_body = stated_length(request.scope["headers"]) != 0
    if has_body:
        require_content_type(request)
    metadata, values = metadata_of(request)
    name = values.get("filename") or values.get("name") or ""
    new = NewUpload(size=required_number(request, "Upload-Length"), name=name, metadata=metadata)
    upload = await application_of(request).resumable_uploads.begin(actor_of(request), new)
    if has_body:
        upload = await _append_first(request, upload)
    headers = {"Location": f"{UPLOADS_PATH}/{upload.id}", **upload_headers(upload)}
    return Response(content=None, status_code=201, headers=headers)


@get(
    "/{upload_id:str}",
    guards=[require_permissions("mechanisms:create")],
    operation_id="getUpload",
    summary="Get an upload",
    opt={
        **refuses(NotFound, UnsupportedTusVersion),
        "accepted_headers": ("Tus-Resumable",),
        "sent_headers": _SENT,
    },
)
async def get_upload(request: Req, upload_id: FromPath[str]) -> Response[UploadResponse]:
    """Returns how much has arrived, also in Upload-Offset (HEAD), from where the client continues."""
    require_version(request, is_optional=True)
    upload = await application_of(request).resumable_uploads.find(actor_of(request), UploadId(upload_id))
    headers = {**upload_headers(upload), "Upload-Length": str(upload.size)}
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    body: Any = msgspec.json.encode(_representation(upload))
    return Response(content=body, headers=headers, media_type=MediaType.JSON)


@patch(
    "/{upload_id:str}",
    guards=[require_permissions("mechanisms:create")],
    request_max_body_size=None,
    status_code=204,
    operation_id="appendToUpload",
    summary="Send bytes of an upload",
    opt={
        **refuses(
            NotFound,
            Conflict,
            TooLarge,
            UnsupportedMedia,
            UnsupportedTusVersion,
            ChecksumMismatch,
            OutOfSpace,
        ),
        "accepted_headers": ("Tus-Resumable", "Upload-Offset", "Upload-Checksum"),
        "sent_headers": _SENT,
    },
)
async def append_to_upload(request: Req, upload_id: FromPath[str]) -> Response[None]:
    """Takes the bytes from Upload-Offset on, and Upload-Checksum. If the connection breaks, what arrived stays."""
    require_version(request)
    require_content_type(request)
    upload = await _append(request, UploadId(upload_id), required_number(request, "Upload-Offset"))
    return Response(content=None, status_code=204, headers=upload_headers(upload))


@delete(
    "/{upload_id:str}",
    guards=[require_permissions("mechanisms:create")],
    operation_id="deleteUpload",
    summary="Discard an upload",
    opt={**refuses(NotFound, UnsupportedTusVersion), "accepted_headers": ("Tus-Resumable",)},
)
async def delete_upload(request: Req, upload_id: FromPath[str]) -> Response[None]:
    """Discards what has arrived and releases its bytes of the quota."""
    require_version(request)
    await application_of(request).resumable_uploads.terminate(actor_of(request), UploadId(upload_id))
    return Response(content=None, status_code=204, headers={"Cache-Control": "no-store"})


async def _append_first(request: Req, upload: Upload) -> Upload:
    """Appends the body of the request that created the upload.

    Discards the upload if that fails: the client has not received its address, so it could not continue.
    """
    try:
        return await _append(request, upload.id, 0)
    except DomainException:
        await application_of(request).resumable_uploads.discard(upload.id)
        raise


async def _append(request: Req, upload_id: UploadId, offset: int) -> Upload:
    uploads, checksum = application_of(request).resumable_uploads, checksum_of(request)
    async with aclosing(body_pieces(request)) as pieces:
        return await uploads.append(actor_of(request), upload_id, offset, pieces, checksum)


def _representation(upload: Upload) -> UploadResponse:
    return UploadResponse(
        id=upload.id,
        name=upload.name,
        size=upload.size,
        offset=upload.received,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )


router = Router(
    UPLOADS_PATH, tags=[TAG.name], route_handlers=[create_upload, get_upload, append_to_upload, delete_upload]
)
