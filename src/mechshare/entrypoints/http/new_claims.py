"""Adds claims from multipart forms, which may have a file. The API and the page of evidence share it."""

from collections.abc import Callable
from typing import Any

from litestar import Request

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import InvalidField
from mechshare.domain.evidence import AuthoredClaim, ClaimKind, NewClaim
from mechshare.domain.ids import MechanismId
from mechshare.domain.named_values import values_in
from mechshare.entrypoints.http.form_files import content_of, received_file
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of
from mechshare.entrypoints.http.protocol.idempotency import KEY_HEADER, idempotent_request
from mechshare.entrypoints.http.protocol.multipart import Form
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]
ClaimForm = Form[ReceivedFile]


async def add_from_form(
    request: Req,
    mechanism_id: MechanismId,
    form: ClaimForm,
    represent: Callable[[AuthoredClaim], object] | None = None,
) -> AuthoredClaim:
    """Reads the multipart form into `form`, stores its file, if it has one, and adds the claim. If it raises, no file
    remains.

    With `represent`, a request with an Idempotency-Key takes effect once.

    Raises what `UploadService.receive_attachment` and `EvidenceService.add_claim` raise.
    """
    application, actor = application_of(request), actor_of(request)
    # A repeated request gets its stored response, whether there is room for another claim or not.
    if KEY_HEADER not in request.headers:
        await application.evidence.require_room(actor, mechanism_id)
    async with received_file(request, form, application.uploads.receive_attachment):
        new = await _claim_in(request, form)
        idempotency = idempotent_request(request, content_of(form), represent)
        added = await application.evidence.add_claim(actor, mechanism_id, new, idempotency=idempotency)
    if added.claim.file is not None:
        UPLOADED_BYTES.inc(added.claim.file.size)
    return added


async def _claim_in(request: Req, form: ClaimForm) -> NewClaim:
    """Returns the claim in the form; a browser sends an empty file where none was chosen. Raises InvalidField."""
    if form.file is not None and not form.file.size:
        await application_of(request).uploads.discard(form.file)
        form.file = None
    fields = dict(form.fields)
    kind = fields.get("kind", "")
    if kind not in list(ClaimKind):
        raise InvalidField("kind", en="Choose what the claim says.", ja="主張の種類を選択してください。")
    return NewClaim(
        kind=ClaimKind(kind),
        text=fields.get("text", ""),
        link=fields.get("link", ""),
        doi=fields.get("doi", ""),
        conditions=values_in("conditions", fields.get("conditions", "")),
        file=form.file,
    )
