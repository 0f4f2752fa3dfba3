"""The claims about a mechanism: to read, to add, to withdraw and to reply to."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import Conflict, DomainException, Invalid, OutOfSpace, TooLarge
from mechshare.domain.evidence import KIND_NAMES, ClaimId
from mechshare.domain.ids import MechanismId
from mechshare.domain.pagination import NEWEST_FIRST
from mechshare.domain.policy import can_manage
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.new_claims import ClaimForm, add_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, cursor_of, page_request
from mechshare.entrypoints.web.forms import form_fields, see_other
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]


@get("/m/{mechanism_id:str}/evidence")
async def show_evidence(request: Req, mechanism_id: FromPath[str], cursor: Cursor = None) -> Response[str]:
    return await _evidence_page(request, mechanism_id_in(mechanism_id), cursor=cursor)


@post(
    "/m/{mechanism_id:str}/evidence",
    status_code=200,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
)
async def add_claim(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    form, known = ClaimForm(), mechanism_id_in(mechanism_id)
    try:
        await add_from_form(request, known, form)
    except (Invalid, Conflict, OutOfSpace, TooLarge) as error:
        return await _evidence_page(request, known, error, dict(form.fields))
    return see_other(f"/m/{known}/evidence")


@post(
    "/m/{mechanism_id:str}/evidence/{claim_id:str}/withdraw", status_code=200, guards=[require_permissions()]
)
async def withdraw_claim(request: Req, mechanism_id: FromPath[str], claim_id: FromPath[str]) -> Response[Any]:
    known = mechanism_id_in(mechanism_id)
    await application_of(request).evidence.withdraw_claim(
        actor_of(request), known, ClaimId(claim_id), request_metadata_of(request)
    )
    return see_other(f"/m/{known}/evidence")


@post("/m/{mechanism_id:str}/evidence/{claim_id:str}/reply", status_code=200, guards=[require_permissions()])
async def reply_to_claim(request: Req, mechanism_id: FromPath[str], claim_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).evidence.reply_to_claim(
            actor_of(request), known, ClaimId(claim_id), fields.text("reply")
        )
    except (Invalid, Conflict) as error:
        return await _evidence_page(request, known, error, {"reply": fields.text("reply")})
    return see_other(f"/m/{known}/evidence")


async def _evidence_page(
    request: Req,
    mechanism_id: MechanismId,
    error: DomainException | None = None,
    values: Mapping[str, str] | None = None,
    cursor: str | None = None,
) -> Response[str]:
    """Returns the page; after a refused form with its fields and the message of `error`."""
    application, viewer = application_of(request), await viewer_of(request)
    item = await application.mechanisms.get_mechanism(viewer, mechanism_id)
    await note_draft_read(request, viewer, item.mechanism)
    requested = page_request(None, None, cursor, conditions=mechanism_id)
    claims = await application.evidence.find_claims(viewer, mechanism_id, requested)
    following = cursor_of(claims.next, NEWEST_FIRST, claims.page + 1, mechanism_id) if claims.next else ""
    return await page(
        request,
        "evidence.html",
        status=status_of(error) if error else 200,
        mechanism=item.mechanism,
        claims=claims,
        next_cursor=following,
        evidence=await application.evidence.summarise(viewer, mechanism_id),
        kind_names=KIND_NAMES,
        viewer_id=viewer.id if viewer else None,
        can_reply=can_manage(viewer, item.mechanism),
        moderates=viewer is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM),
        values=values or {},
        max_size=application.uploads.max_bytes,
        problem=problem_of(request, error) if error else None,
    )


router = Router("/", route_handlers=[show_evidence, add_claim, withdraw_claim, reply_to_claim])
