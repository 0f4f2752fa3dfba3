"""POST /mechanisms and /mechanisms/from-url"""

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from msgspec import Struct

from mechshare.domain.errors import (
    DomainException,
    Invalid,
    MalformedRequest,
    NotFound,
    Unavailable,
    UnsupportedContentType,
)
from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanisms import MAX_DURATION, AuthoredMechanism, OriginalFile
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.idempotency import (
    KEY_HEADER,
    REPLAYED_HEADER,
    idempotent_request,
    replayed,
)
from mechshare.entrypoints.http.protocol.multipart import Form, read_form
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    body_of,
    documented,
    form_of,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import JSON, content_length, decoded, short_body
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanism_fields import CategorySlugs, Description, Title
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.metrics import UPLOADED_BYTES
from mechshare.services.mechanisms import Draft, ExternalMedia
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.support.idempotency import ReplayedResponse

Req = Request[Any, Any, Any]
Url = Annotated[str, documented(format="uri", maxLength=2_000)]
_FORM_OVERHEAD = 4 * 1024
"""Bytes of a form besides its file that Content-Length may include; what the file exceeds is reserved as it arrives."""
Duration = Annotated[float, documented(minimum=0.001, maximum=MAX_DURATION)]


@published("NewMechanismFromUrl")
class NewMechanism(Struct, forbid_unknown_fields=True):
    """A clip on another host: https only; this server never fetches it. `duration` is in seconds."""

    title: Title
    file_url: Url
    thumbnail_url: Url
    duration: Duration
    description: Description = ""
    categories: CategorySlugs = []


@published("NewMechanism")
class NewUpload(Struct, forbid_unknown_fields=True):
    """The text fields of an upload form, whose clip is the part `file`."""

    title: Title
    description: Description = ""
    categories: CategorySlugs = []


@post(
    "/",
    guards=[require_permissions("mechanisms:create")],
    operation_class=form_of(NewUpload),
    request_max_body_size=None,
    status_code=202,
    operation_id="createMechanism",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Upload a mechanism",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Invalid, NotFound)},
)
async def create_mechanism(request: Req) -> Response[MechanismResponse]:
    """Accepts a multipart form with the clip as `file` (GIF, APNG, WebP, MP4, WebM or MOV) and starts to process it.

    The mechanism can be published when its processing is ready.
    """
    content_type, _ = request.content_type
    if content_type == "multipart/form-data":
        return await _create_from_form(request)
    if content_type == "application/json":  # as in the original design; documented at /mechanisms/from-url
        return await _create_from_json(request)
    accepted = "multipart/form-data or application/json"
    raise UnsupportedContentType(content_type=content_type, accepted=accepted)


@post(
    "/from-url",
    guards=[require_permissions("mechanisms:create")],
    operation_class=body_of(
        NewMechanism,
        example={
            "title": "四節リンク機構 (crank-rocker)",
            "description": "The crank turns, the rocker swings.",
            "categories": ["four-bar"],
            "file_url": "https://media.example/four-bar.mp4",
            "thumbnail_url": "https://media.example/four-bar.webp",
            "duration": 2.4,
        },
    ),
    operation_id="createMechanismFromUrl",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Add a mechanism that is hosted elsewhere",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Invalid, NotFound)},
)
async def create_mechanism_from_url(request: Req) -> Response[MechanismResponse]:
    """Accepts JSON with the URL of a clip on another host, which this server never fetches.

    The mechanism can be published at once.
    """
    content_type, _ = request.content_type
    if content_type not in JSON:
        raise UnsupportedContentType(content_type=content_type, accepted="application/json")
    return await _create_from_json(request)


async def _create_from_json(request: Req) -> Response[Any]:
    body = await short_body(request)
    new = decoded(body, NewMechanism)
    media = ExternalMedia(file_url=new.file_url, thumbnail_url=new.thumbnail_url, duration=new.duration)
    return await _create(request, new, media, body)


async def _create_from_form(request: Req) -> Response[Any]:
    application = application_of(request)
    uploads = application.uploads
    # A repeated request gets its stored response, whatever is unfinished.
    if KEY_HEADER not in request.headers:
        await application.mechanisms.require_room_for_clip(actor_of(request))
    form = await _received(request)
    try:
        new = decoded(msgspec.json.encode(_grouped(form.fields)), NewUpload)
        if form.file is None:
            raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the clip.")])
        fingerprint = msgspec.json.encode([new, form.file.sha256])
        response = await _create(request, new, form.file, fingerprint)
    except Unavailable:
        raise  # the mechanism may have been stored, so its file must stay
    except DomainException:
        if form.file is not None:
            await uploads.discard(form.file)
        raise
    if REPLAYED_HEADER in response.headers:
        await uploads.discard(form.file)
    UPLOADED_BYTES.inc(form.file.size)
    return response


async def _create(
    request: Req, new: NewMechanism | NewUpload, media: OriginalFile | ExternalMedia, fingerprint: bytes
) -> Response[Any]:
    application = application_of(request)
    actor = actor_of(request)
    categories = [CategoryId(category) for category in new.categories]
    draft = Draft(title=new.title, description=new.description, categories=categories, media=media)

    def render(item: AuthoredMechanism) -> bytes:
        return msgspec.json.encode(mechanism_response(item, media_addresses(application)))

    created = await application.mechanisms.create_mechanism(
        actor, draft, request_metadata_of(request), idempotent_request(request, actor.id, fingerprint, render)
    )
    status = 202 if isinstance(media, OriginalFile) else 201
    if isinstance(created, ReplayedResponse):
        return replayed(request, created, status, MECHANISMS_PATH)
    return mechanism_resource(request, created, status)


async def _received(request: Req) -> Form[OriginalFile]:
    """Returns the form, whose file is stored. Stores nothing if it raises, also if the request is cancelled."""
    uploads = application_of(request).uploads
    form: Form[OriginalFile] = Form()
    expected = max(0, content_length(request) - _FORM_OVERHEAD)
    receive = partial(uploads.receive, actor_of(request), expected_bytes=expected)
    try:
        await read_form(request, "file", receive, form)
    except BaseException:
        if form.file is not None:
            await uploads.discard(form.file)
        raise
    return form


def _grouped(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """Returns the text fields as one object. `categories` may be repeated or comma-separated.

    Raises MalformedRequest if another field is repeated.
    """
    grouped: dict[str, Any] = {}
    for name, text in fields:
        if name == "categories":
            grouped.setdefault(name, []).extend(part.strip() for part in text.split(",") if part.strip())
        elif name in grouped:
            raise MalformedRequest(problem="see details.", details=[(name, "was sent twice.")])
        else:
            grouped[name] = text
    return grouped


handlers = [create_mechanism, create_mechanism_from_url]
