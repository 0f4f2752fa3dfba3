"""Creates mechanisms from what a request contains: a multipart form with a file, or any other draft.

The API and the upload page share it.
"""

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from msgspec import Struct

from mechshare.domain.categories import names_in
from mechshare.domain.errors import DomainException, InvalidField, MalformedRequest, Unavailable
from mechshare.domain.ids import UploadId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.motion import period_in
from mechshare.domain.named_values import NamedValue, values_in
from mechshare.domain.originals import OriginalFile
from mechshare.domain.reliability import stated_reliability
from mechshare.domain.statements import Statement
from mechshare.domain.thumbnails import moment_in
from mechshare.domain.uploads import UploadNotFound
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.idempotency import KEY_HEADER, idempotent_request
from mechshare.entrypoints.http.protocol.multipart import FORM_OVERHEAD, Form, read_form
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.request_body import content_length, decoded
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanism_fields import (
    CategorySlugs,
    Description,
    License,
    Parameters,
    ReliabilityReason,
    Title,
)
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.http.representations.named_values import named_values
from mechshare.entrypoints.metrics import UPLOADED_BYTES
from mechshare.services.support.drafts import Draft
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse

Req = Request[Any, Any, Any]
ClipForm = Form[OriginalFile]
Choice = bool | Annotated[str, documented(maxLength=5)]
"""`true` or `false`. Forms have texts only; clients in Python write a boolean with a capital."""


@published("NewMechanism")
class NewUpload(Struct, forbid_unknown_fields=True):
    """The text fields of an upload form, whose file is the part `file`. `parameters` may be lines: `stroke = 12 mm`.

    With `original_offered`, all who see the mechanism may download the file, with the place, author and device that its
    metadata may tell. `remove_metadata` removes these from the stored file: of JPEG, PNG, MP4 and MOV. `thumbnail_at`
    is the moment of a clip that its thumbnail shows, in seconds; mechshare chooses one without it. `stated_period_s` is
    the period of the motion in seconds, if the author knows it.
    """

    title: Title
    description: Description = ""
    categories: CategorySlugs = []
    reliability_level: Literal["", "1", "2", "3", "4", "5"] = ""
    reliability_reason: ReliabilityReason = ""
    parameters: Parameters | str = ""
    license: License | Literal[""] = ""
    original_offered: Choice = "true"
    remove_metadata: Choice = "false"
    thumbnail_at: float | str | None = None
    stated_period_s: float | str | None = None
    visibility: Visibility = Visibility.PUBLIC

    def draft(self, file: OriginalFile, upload_id: UploadId | None = None) -> Draft:
        """Returns the mechanism to create of `file`. Raises InvalidField."""
        return Draft(
            statement=self.statement,
            media=file,
            visibility=self.visibility,
            removes_metadata=_is_chosen("remove_metadata", self.remove_metadata),
            thumbnail_at=moment_in(self.thumbnail_at),
            upload_id=upload_id,
        )

    @property
    def statement(self) -> Statement:
        """What the form states. Raises InvalidField."""
        return Statement(
            title=self.title,
            description=self.description,
            categories=self.categories,
            reliability=stated_reliability(self.reliability_level, self.reliability_reason),
            parameters=_parameters(self.parameters),
            license=self.license,
            original_offered=_is_chosen("original_offered", self.original_offered),
            stated_period=period_in(self.stated_period_s),
        )


def _is_chosen(name: str, choice: bool | str) -> bool:
    """Returns the boolean of a form. Raises InvalidField."""
    text = str(choice).lower()
    if text not in ("true", "false", ""):
        raise InvalidField(name, en="must be true or false.", ja="true または false を指定してください。")
    return text == "true"


def _parameters(stated: Parameters | str) -> tuple[NamedValue, ...]:
    return values_in("parameters", stated) if isinstance(stated, str) else named_values(stated)


async def create_from_form(request: Req, form: ClipForm) -> AuthoredMechanism:
    """Reads the multipart form into `form`, stores its file and creates the mechanism.

    If it raises, no file remains, and `form` contains the fields that were read. Raises MalformedRequest, and what
    `UploadService.receive` and `MechanismService.create_mechanism` raise.
    """
    application = application_of(request)
    # A repeated request gets its stored response, whatever is unfinished.
    if KEY_HEADER not in request.headers:
        await application.mechanisms.require_room_for_clip(actor_of(request))
    await _receive(request, form)
    try:
        file, created = await _create_with_clip(request, form)
    except Unavailable:
        raise  # the mechanism may have been stored, so its file must stay
    except (DomainException, ReplayedResponse):
        if form.file is not None:
            await application.uploads.discard(form.file)
        raise
    UPLOADED_BYTES.inc(file.size)
    return created


async def create_from_upload(
    request: Req, new: NewUpload, upload_id: UploadId, fingerprint: bytes
) -> AuthoredMechanism:
    """Creates a mechanism of the upload, which ends with it. If it raises, the upload stays.

    Raises what `ResumableUploadService.finish` and `MechanismService.create_mechanism` raise.
    """
    application, actor = application_of(request), actor_of(request)
    idempotency = _idempotent(request, fingerprint)
    try:
        file = await application.resumable_uploads.finish(actor, upload_id)
    except UploadNotFound:
        # A repeated request comes when its upload has ended.
        await application.mechanisms.require_first(idempotency)
        raise
    created = await create(request, new.draft(file, upload_id), fingerprint)
    UPLOADED_BYTES.inc(file.size)
    return created


async def create(request: Req, draft: Draft, fingerprint: bytes) -> AuthoredMechanism:
    """Creates the mechanism, once if the request has an Idempotency-Key. Raises as `create_mechanism` does."""
    return await application_of(request).mechanisms.create_mechanism(
        actor_of(request), draft, request_metadata_of(request), _idempotent(request, fingerprint)
    )


def _idempotent(request: Req, fingerprint: bytes) -> IdempotentRequest[AuthoredMechanism] | None:
    """Returns the request as one that takes effect once; None without Idempotency-Key. Raises MalformedRequest."""
    addresses = media_addresses(application_of(request))

    def represent(item: AuthoredMechanism) -> MechanismResponse:
        return mechanism_response(item, addresses)

    return idempotent_request(request, fingerprint, represent)


async def _create_with_clip(request: Req, form: ClipForm) -> tuple[OriginalFile, AuthoredMechanism]:
    new = decoded(msgspec.json.encode(_grouped(form.fields)), NewUpload)
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the main file.")])
    draft = new.draft(form.file)
    return form.file, await create(request, draft, msgspec.json.encode([new, form.file.sha256]))


async def _receive(request: Req, form: ClipForm) -> None:
    """Reads the body into `form` and stores its file. Stores nothing if it raises, also if the request is cancelled."""
    uploads = application_of(request).uploads
    expected = max(0, content_length(request) - FORM_OVERHEAD)
    receive = partial(uploads.receive, actor_of(request), expected_bytes=expected)
    try:
        await read_form(request, "file", receive, form)
    except BaseException:
        if form.file is not None:
            await uploads.discard(form.file)
        raise


def _grouped(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """Returns the text fields as one object. `categories` may be repeated or comma-separated.

    Raises MalformedRequest if another field is repeated.
    """
    grouped: dict[str, Any] = {}
    for name, text in fields:
        if name == "categories":
            grouped.setdefault(name, []).extend(names_in(text))
        elif name in grouped:
            raise MalformedRequest(problem="see details.", details=[(name, "was sent twice.")])
        else:
            grouped[name] = text
    return grouped
