"""/mechanisms/{id}/attachments"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.attachments import MAX_ATTACHMENTS, MAX_CAPTION, Attachment
from mechshare.domain.errors import Conflict, Forbidden, Invalid, NotFound, OutOfSpace
from mechshare.domain.ids import AttachmentId, MechanismId, UploadId
from mechshare.entrypoints.http.form_files import finished_upload
from mechshare.entrypoints.http.new_attachments import AttachmentForm, NewAttachment, add_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    NOT_MODIFIED,
    OPTIONAL_TOKEN,
    body_of,
    documented,
    form_of,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.served_files import ORIGINAL, RANGED, served_file
from mechshare.entrypoints.http.protocol.visits import note_download
from mechshare.entrypoints.http.representations.attachments import thumbnail_urls
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    ReasonResponse,
    media_addresses,
    reason_response,
)
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
TAG = Tag("attachments", "Files of any kind beside the main file of a mechanism")
_PATH = MECHANISMS_PATH + "/{mechanism_id:str}"
Caption = Annotated[str, documented(maxLength=MAX_CAPTION)]
Position = Annotated[int, documented(minimum=0, maximum=MAX_ATTACHMENTS)]


@published("NewAttachmentFromUpload")
class NewAttachmentFromUpload(Struct, forbid_unknown_fields=True):
    """A file that was uploaded to /uploads with `purpose` "attachment" in its metadata, or any complete upload.

    `upload` is the id of the upload, or its address.
    """

    upload: Annotated[str, documented(minLength=1, maxLength=2_000)]
    caption: Caption = ""


@published("AttachmentChanges")
class AttachmentChanges(Struct, forbid_unknown_fields=True):
    """`position` counts from 0; the others move aside."""

    caption: Caption | UnsetType = UNSET
    position: Position | UnsetType = UNSET


@published("Attachment")
class AttachmentResponse(Struct):
    """`size` in bytes; `type` is what the content shows, never what the name says. `url` is the download.

    `thumbnail_url` is a picture (WebP) of a STL or 3MF file; null until it is drawn, and for all other files.
    `thumbnail_failure` says why such a file could not be drawn.
    """

    id: str
    name: str
    size: int
    sha256: str
    type: str
    caption: str
    position: int
    url: str
    created_at: datetime
    thumbnail_url: str | None = None
    thumbnail_failure: ReasonResponse | None = None


@published("Attachments")
class AttachmentsResponse(Struct):
    """In the order that the author chose."""

    items: list[AttachmentResponse]


@get(
    "/attachments",
    operation_id="getAttachments",
    summary="List the attachments",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_attachments(request: Req, mechanism_id: FromPath[str]) -> Response[AttachmentsResponse]:
    """Returns the files beside the main file, for those who see the mechanism."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.attachments.find_all(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return resource(request, await _attachments(request, id, found))


@post(
    "/attachments",
    guards=[require_permissions()],
    operation_class=form_of(NewAttachment),
    request_max_body_size=None,
    status_code=201,
    operation_id="addAttachment",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Attach a file",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Forbidden, Conflict, Invalid, OutOfSpace)},
)
async def add_attachment(request: Req, mechanism_id: FromPath[str]) -> Response[AttachmentResponse]:
    """Accepts a multipart form with a file of any kind as `file`; for the owner and admins. At most 50 files."""
    added = await add_from_form(request, mechanism_id_in(mechanism_id), AttachmentForm(), _described)
    return resource(request, _described(added), status=201)


@post(
    "/attachments/from-upload",
    guards=[require_permissions()],
    status_code=201,
    operation_id="addAttachmentFromUpload",
    summary="Attach an upload",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Forbidden, Conflict, Invalid, NotFound, OutOfSpace)},
    operation_class=body_of(
        NewAttachmentFromUpload,
        example={"upload": "01900000-0000-7000-8000-000000000000", "caption": "STEP AP242"},
    ),
)
async def add_attachment_from_upload(
    request: Req, mechanism_id: FromPath[str]
) -> Response[AttachmentResponse]:
    """Accepts JSON with a complete upload, which it ends. If a field is refused, the upload stays."""
    new = await decoded_body(request, NewAttachmentFromUpload)
    application, actor, id = application_of(request), actor_of(request), mechanism_id_in(mechanism_id)
    upload_id = UploadId(new.upload.rstrip("/").rpartition("/")[2])
    idempotency = idempotent_request(request, new, _described)
    require_room = partial(application.attachments.require_room, actor, id, idempotency)
    file = await finished_upload(request, upload_id, require_room)
    added = await application.attachments.add(
        actor, id, file, new.caption, upload_id, request_metadata_of(request), idempotency
    )
    return resource(request, _described(added), status=201)


@patch(
    "/attachments/{attachment_id:str}",
    guards=[require_permissions()],
    operation_id="updateAttachment",
    summary="Caption or move an attachment",
    opt=refuses(Forbidden, Invalid),
    operation_class=body_of(AttachmentChanges, example={"caption": "組立図", "position": 0}),
)
async def update_attachment(
    request: Req, mechanism_id: FromPath[str], attachment_id: FromPath[str]
) -> Response[AttachmentResponse]:
    """Changes what is sent; for the owner and admins."""
    changes = await decoded_body(request, AttachmentChanges)
    changed = await application_of(request).attachments.change(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        AttachmentId(attachment_id),
        caption=None if changes.caption is UNSET else changes.caption,
        position=None if changes.position is UNSET else changes.position,
    )
    return resource(request, await _attachment(request, changed))


@delete(
    "/attachments/{attachment_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="removeAttachment",
    summary="Remove an attachment",
    opt=refuses(Forbidden),
)
async def remove_attachment(
    request: Req, mechanism_id: FromPath[str], attachment_id: FromPath[str]
) -> Response[None]:
    """Removes the file for good; for the owner and admins."""
    await application_of(request).attachments.remove(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        AttachmentId(attachment_id),
        request_metadata_of(request),
    )
    return no_content()


@get(
    "/attachments/{attachment_id:str}/file",
    operation_id="downloadAttachment",
    summary="Download an attachment",
    responses=RANGED,
    opt=OPTIONAL_TOKEN,
)
async def download_attachment(
    request: Req, mechanism_id: FromPath[str], attachment_id: FromPath[str]
) -> Response[bytes]:
    """Returns the file, byte for byte, or one range of it, always as a download."""
    viewer, application = await viewer_of(request), application_of(request)
    id = mechanism_id_in(mechanism_id)
    found = await application.media.find_attachment(viewer, id, AttachmentId(attachment_id))
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    response = await served_file(request, found, ORIGINAL)
    note_download(request, viewer, id, response)
    return response


def attachment_url(attachment: Attachment) -> str:
    return f"{MECHANISMS_PATH}/{attachment.mechanism_id}/attachments/{attachment.id}/file"


async def _attachment(request: Req, attachment: Attachment) -> AttachmentResponse:
    return (await _attachments(request, attachment.mechanism_id, [attachment])).items[0]


async def _attachments(
    request: Req, id: MechanismId, attachments: Sequence[Attachment]
) -> AttachmentsResponse:
    """Returns the attachments of the mechanism `id`, for a caller who sees it."""
    application = application_of(request)
    thumbnails = dict.fromkeys(one.id for one in attachments)
    if any(one.thumbnail_key for one in attachments):
        mechanism = (await application.mechanisms.get_mechanism(await viewer_of(request), id)).mechanism
        thumbnails |= thumbnail_urls(mechanism, attachments, media_addresses(application))
    return AttachmentsResponse([_described(one, thumbnails[one.id]) for one in attachments])


def _described(one: Attachment, thumbnail_url: str | None = None) -> AttachmentResponse:
    return AttachmentResponse(
        id=one.id,
        name=one.name,
        size=one.size,
        sha256=one.sha256,
        type=one.content_type,
        caption=one.caption,
        position=one.position,
        url=attachment_url(one),
        created_at=one.created_at,
        thumbnail_url=thumbnail_url,
        thumbnail_failure=reason_response(one.thumbnail_failure, "en"),
    )


router = Router(
    _PATH,
    tags=[TAG.name],
    route_handlers=[
        get_attachments,
        add_attachment,
        add_attachment_from_upload,
        update_attachment,
        remove_attachment,
        download_attachment,
    ],
)
