"""POST /mechanisms, /mechanisms/from-url and /mechanisms/from-upload"""

from typing import Annotated, Any

from litestar import Request, Response, post
from msgspec import Struct

from mechshare.domain.errors import Invalid, NotFound, OutOfSpace, UnsupportedContentType
from mechshare.domain.ids import UploadId
from mechshare.domain.mechanisms import MAX_DURATION
from mechshare.domain.statements import Statement
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.new_mechanisms import (
    ClipForm,
    NewUpload,
    create,
    create_from_form,
    create_from_upload,
)
from mechshare.entrypoints.http.protocol.auth import limits, require_permissions
from mechshare.entrypoints.http.protocol.idempotency import replayed
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    LOCATION,
    body_of,
    documented,
    form_of,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import JSON, decoded, short_body
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanism_fields import (
    CategorySlugs,
    Description,
    License,
    Parameters,
    ReliabilityFields,
    StatedPeriod,
    Title,
)
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)
from mechshare.entrypoints.http.representations.named_values import named_values
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.support.drafts import Draft, ExternalMedia
from mechshare.services.support.idempotency import ReplayedResponse

Req = Request[Any, Any, Any]
Url = Annotated[str, documented(format="uri", maxLength=2_000)]
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
    reliability: ReliabilityFields | None = None
    parameters: Parameters = []
    license: License | None = None
    stated_period_s: StatedPeriod | None = None
    visibility: Visibility = Visibility.PUBLIC

    @property
    def statement(self) -> Statement:
        """What the author states about the clip."""
        return Statement(
            title=self.title,
            description=self.description,
            categories=self.categories,
            reliability=self.reliability.stated if self.reliability else None,
            parameters=named_values(self.parameters),
            license=self.license,
            stated_period=self.stated_period_s,
        )


@published("NewMechanismFromUpload")
class NewMechanismFromUpload(NewUpload, forbid_unknown_fields=True, kw_only=True):
    """A file that was uploaded to /uploads. `upload` is the id of the upload, or its address."""

    upload: Annotated[str, documented(minLength=1, maxLength=2_000)]


@post(
    "/",
    guards=[require_permissions("mechanisms:create")],
    operation_class=form_of(NewUpload),
    request_max_body_size=None,
    status_code=202,
    operation_id="createMechanism",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Upload a mechanism",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: MECHANISMS_PATH, **refuses(Invalid, NotFound)},
)
async def create_mechanism(request: Req) -> Response[MechanismResponse]:
    """Accepts a multipart form with a clip, a picture or a document as `file` and starts to process it.

    The message of the error UNSUPPORTED_FILE lists the accepted formats.

    The mechanism can be published when its processing is ready.
    """
    content_type, _ = request.content_type
    if content_type == "multipart/form-data":
        return mechanism_resource(request, await create_from_form(request, ClipForm()), 202)
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
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: MECHANISMS_PATH, **refuses(Invalid, NotFound)},
)
async def create_mechanism_from_url(request: Req) -> Response[MechanismResponse]:
    """Accepts JSON with the URL of a clip on another host, which this server never fetches.

    The mechanism can be published at once.
    """
    content_type, _ = request.content_type
    if content_type not in JSON:
        raise UnsupportedContentType(content_type=content_type, accepted="application/json")
    return await _create_from_json(request)


@post(
    "/from-upload",
    guards=[require_permissions("mechanisms:create")],
    operation_class=body_of(
        NewMechanismFromUpload,
        example={
            "upload": "01900000-0000-7000-8000-000000000000",
            "title": "四節リンク機構 (crank-rocker)",
            "categories": ["four-bar"],
        },
    ),
    status_code=202,
    operation_id="createMechanismFromUpload",
    summary="Make a mechanism of an upload",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: MECHANISMS_PATH, **refuses(Invalid, NotFound, OutOfSpace)},
)
async def create_mechanism_from_upload(request: Req) -> Response[MechanismResponse]:
    """Accepts JSON with a complete upload, which it ends, and starts to process the file.

    If a field is refused, the upload stays.
    """
    body = await short_body(request)
    content_type, _ = request.content_type
    if content_type not in JSON:
        raise UnsupportedContentType(content_type=content_type, accepted="application/json")
    new = decoded(body, NewMechanismFromUpload)
    upload_id = UploadId(new.upload.rstrip("/").rpartition("/")[2])
    return mechanism_resource(request, await create_from_upload(request, new, upload_id, body), 202)


async def _create_from_json(request: Req) -> Response[Any]:
    body = await short_body(request)
    new = decoded(body, NewMechanism)
    media = ExternalMedia(file_url=new.file_url, thumbnail_url=new.thumbnail_url, duration=new.duration)
    draft = Draft(statement=new.statement, media=media, visibility=new.visibility)
    try:
        created = await create(request, draft, body)
    except ReplayedResponse as replay:
        return replayed(request, replay, 201)  # also at the route whose status is 202
    return mechanism_resource(request, created, 201)


handlers = [create_mechanism, create_mechanism_from_url, create_mechanism_from_upload]
