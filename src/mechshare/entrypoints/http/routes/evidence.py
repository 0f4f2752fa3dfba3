"""/mechanisms/{id}/claims and /mechanisms/{id}/evidence"""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid, NotFound, OutOfSpace, Stale
from mechshare.domain.evidence import (
    MAX_CLAIM_LENGTH,
    MAX_LINK_LENGTH,
    MAX_REPLY_LENGTH,
    AuthoredClaim,
    Claim,
    ClaimId,
    ClaimKind,
    ClaimNotFound,
    NewClaim,
)
from mechshare.domain.ids import UploadId, is_id
from mechshare.domain.mechanisms import Author
from mechshare.domain.named_values import MAX_VALUES
from mechshare.entrypoints.http.form_files import finished_upload
from mechshare.entrypoints.http.new_claims import ClaimForm, add_from_form
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
    refuses,
)
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.served_files import ORIGINAL, RANGED, served_file
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.entrypoints.http.representations.named_values import (
    NamedValueFields,
    named_value_fields,
    named_values,
)
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
TAG = Tag("evidence", "Claims for and against a mechanism")


@published("NewClaim")
class NewClaimFields(Struct, forbid_unknown_fields=True):
    """`link` and `doi` are checked in their form and never fetched. `upload` is the id or the address of a complete
    upload to /uploads with `purpose` "attachment" in its metadata: the file of the claim."""

    kind: ClaimKind
    text: Annotated[str, documented(minLength=1, maxLength=MAX_CLAIM_LENGTH)]
    link: Annotated[str, documented(maxLength=MAX_LINK_LENGTH)] | None = None
    doi: Annotated[str, documented(maxLength=250)] | None = None
    conditions: Annotated[list[NamedValueFields], documented(maxItems=MAX_VALUES)] = []
    upload: Annotated[str, documented(maxLength=2_000)] | None = None


@published("ClaimReply")
class ReplyFields(Struct, forbid_unknown_fields=True):
    text: Annotated[str, documented(minLength=1, maxLength=MAX_REPLY_LENGTH)]


@published("ClaimFile")
class ClaimFileResponse(Struct):
    """`size` in bytes; `type` is what the content shows. `url` is the download."""

    name: str
    size: int
    sha256: str
    type: str
    url: str


@published("Claim")
class ClaimResponse(Struct):
    """`mechanism_version` and `revision` are those of the mechanism that the claim is about; `reply` is that of its
    author.

    Of a claim that a moderator withdrew, the texts are null and there are no conditions.
    """

    id: str
    mechanism_id: str
    mechanism_version: int
    revision: int
    user: Author
    kind: ClaimKind
    text: str | None
    link: str | None
    doi: str | None
    conditions: list[NamedValueFields]
    file: ClaimFileResponse | None
    created_at: datetime
    withdrawn_at: datetime | None
    reply: str | None
    replied_at: datetime | None


@published("Evidence")
class EvidenceResponse(Struct):
    """How many other people than the author support or reproduce the mechanism, and how many contradict it.

    The stated `level` needs `needed` of them (0: none); `is_carried` says whether the evidence suffices.
    """

    level: int | None
    supporting: int
    contradicting: int
    needed: int
    is_carried: bool


@get(
    "/evidence",
    operation_id="getEvidence",
    summary="Read what the evidence says about the level",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_evidence(request: Req, mechanism_id: FromPath[str]) -> Response[EvidenceResponse]:
    """Returns the support of the mechanism. Withdrawn claims do not count."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.evidence.summarise(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    support = found.support
    content = EvidenceResponse(
        found.level, support.supporting, support.contradicting, found.needed, found.is_carried
    )
    return resource(request, content)


@get(
    "/claims",
    operation_id="listClaims",
    summary="List claims",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_claims(
    request: Req,
    mechanism_id: FromPath[str],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[PageResponse[ClaimResponse]]:
    """Returns the claims about a mechanism, newest first, withdrawn ones included."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    requested = page_request(page, limit, cursor, conditions=id)
    found = await application.evidence.find_claims(viewer, id, requested)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return list_resource(request, page_response(found, [_claim(item) for item in found.items], conditions=id))


@post(
    "/claims",
    guards=[require_permissions()],
    request_max_body_size=None,
    status_code=201,
    operation_id="createClaim",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Add a claim",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Forbidden, Invalid, Conflict, NotFound, OutOfSpace)},
    operation_class=body_of(
        NewClaimFields,
        example={
            "kind": "reproduces",
            "text": "同じ条件で再現しました。",
            "doi": "10.1000/182",
            "conditions": [{"name": "load", "value": 12, "unit": "N"}, {"name": "material", "value": "S45C"}],
        },
    ),
)
async def create_claim(request: Req, mechanism_id: FromPath[str]) -> Response[ClaimResponse]:
    """Adds a claim about a mechanism that the caller may see. A claim is never edited; it can be withdrawn.

    A multipart form with the same fields, `conditions` one a line (`load = 12 N`), may have a file of any kind as
    `file`. It counts in the storage of who made the claim, and is visible as the mechanism is.
    """
    application, actor, id = application_of(request), actor_of(request), mechanism_id_in(mechanism_id)
    if request.content_type[0] == "multipart/form-data":
        return resource(request, _claim(await add_from_form(request, id, ClaimForm(), _claim)), status=201)
    new = await decoded_body(request, NewClaimFields)
    upload_id = UploadId(new.upload.rstrip("/").rpartition("/")[2]) if new.upload else None
    idempotency = idempotent_request(request, new, _claim)
    require_room = partial(application.evidence.require_room, actor, id, idempotency)
    file = await finished_upload(request, upload_id, require_room) if upload_id is not None else None
    claim = NewClaim(
        kind=new.kind,
        text=new.text,
        link=new.link or "",
        doi=new.doi or "",
        conditions=named_values(new.conditions),
        file=file,
    )
    added = await application.evidence.add_claim(actor, id, claim, upload_id, idempotency)
    return resource(request, _claim(added), status=201)


@get(
    "/claims/{claim_id:str}/file",
    operation_id="downloadClaimFile",
    summary="Download the file of a claim",
    responses=RANGED,
    opt=OPTIONAL_TOKEN,
)
async def download_claim_file(
    request: Req, mechanism_id: FromPath[str], claim_id: FromPath[str]
) -> Response[bytes]:
    """Returns the file, byte for byte, or one range of it, always as a download."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.media.find_claim_file(viewer, id, _claim_id_in(claim_id))
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return await served_file(request, found, ORIGINAL)


@post(
    "/claims/{claim_id:str}/withdraw",
    guards=[require_permissions()],
    status_code=200,
    operation_id="withdrawClaim",
    summary="Withdraw a claim",
    opt=refuses(Forbidden, Stale),
)
async def withdraw_claim(
    request: Req, mechanism_id: FromPath[str], claim_id: FromPath[str]
) -> Response[ClaimResponse]:
    """Withdraws a claim; for who made it, and moderators. It stays readable as withdrawn."""
    await refuse_body(request)
    withdrawn = await application_of(request).evidence.withdraw_claim(
        actor_of(request), mechanism_id_in(mechanism_id), _claim_id_in(claim_id), request_metadata_of(request)
    )
    return resource(request, _claim(withdrawn))


@post(
    "/claims/{claim_id:str}/reply",
    guards=[require_permissions()],
    status_code=200,
    operation_id="replyToClaim",
    summary="Reply to a claim",
    opt=refuses(Forbidden, Invalid, Conflict, Stale),
    operation_class=body_of(ReplyFields, example={"text": "次の版で測定条件を追記します。"}),
)
async def reply_to_claim(
    request: Req, mechanism_id: FromPath[str], claim_id: FromPath[str]
) -> Response[ClaimResponse]:
    """Adds the reply of the mechanism's author. There is one reply, which is never edited."""
    reply = await decoded_body(request, ReplyFields)
    replied = await application_of(request).evidence.reply_to_claim(
        actor_of(request), mechanism_id_in(mechanism_id), _claim_id_in(claim_id), reply.text
    )
    return resource(request, _claim(replied))


def _claim(item: AuthoredClaim) -> ClaimResponse:
    claim = item.claim
    is_shown = not claim.is_hidden
    return ClaimResponse(
        id=claim.id,
        mechanism_id=claim.mechanism_id,
        mechanism_version=claim.mechanism_version,
        revision=item.revision,
        user=item.author,
        kind=claim.kind,
        text=claim.text if is_shown else None,
        link=claim.link or None if is_shown else None,
        doi=claim.doi or None if is_shown else None,
        conditions=named_value_fields(claim.conditions) if is_shown else [],
        file=_file(claim) if is_shown else None,
        created_at=claim.created_at,
        withdrawn_at=claim.withdrawn_at,
        reply=claim.reply or None if is_shown else None,
        replied_at=claim.replied_at,
    )


def _file(claim: Claim) -> ClaimFileResponse | None:
    file = claim.file
    if file is None:
        return None
    url = f"{MECHANISMS_PATH}/{claim.mechanism_id}/claims/{claim.id}/file"
    return ClaimFileResponse(
        name=file.name, size=file.size, sha256=file.sha256, type=file.content_type, url=url
    )


def _claim_id_in(text: str) -> ClaimId:
    if not is_id(text):
        raise ClaimNotFound()
    return ClaimId(text)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[
        get_evidence,
        find_claims,
        create_claim,
        download_claim_file,
        withdraw_claim,
        reply_to_claim,
    ],
)
