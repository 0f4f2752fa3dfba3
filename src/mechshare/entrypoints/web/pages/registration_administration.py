"""Administration of who joins: accounts that await approval, and invitations."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException, MalformedRequest
from mechshare.domain.ids import InvitationId, UserId
from mechshare.domain.invitations import DEFAULT_INVITATION_DAYS
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.invitations import NewInvitation

Req = Request[Any, Any, Any]
USER_MANAGERS = [require_permissions(Permission.MANAGE_USERS)]


@get("/admin/registrations", guards=USER_MANAGERS)
async def show_registrations(request: Req, saved: Saved = "", cursor: Cursor = None) -> Response[str]:
    return await _registrations(request, saved=saved, cursor=cursor)


@post("/admin/registrations/{user_id:str}/approve", status_code=200, guards=USER_MANAGERS)
async def approve(request: Req, user_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    await application_of(request).registrations.approve(
        actor_of(request), UserId(user_id), request_metadata_of(request)
    )
    return see_other("/admin/registrations?saved=approved")


@post("/admin/registrations/{user_id:str}/reject", status_code=200, guards=USER_MANAGERS)
async def reject(request: Req, user_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    await application_of(request).registrations.reject(
        actor_of(request), UserId(user_id), request_metadata_of(request)
    )
    return see_other("/admin/registrations?saved=rejected")


@post("/admin/invitations", status_code=200, guards=[*USER_MANAGERS, require_recent_sign_in])
async def create_invitation(request: Req) -> Response[Any]:
    """Creates an invitation and shows its link in the response itself, since no other page may contain it."""
    fields = await form_fields(request)
    try:
        _, secret = await application_of(request).invitations.create(
            actor_of(request), _new_invitation(fields), request_metadata_of(request)
        )
    except DomainException as error:
        return await _registrations(request, error, fields)
    return await _registrations(request, link=f"{site_url(request)}/register?invitation={secret}")


@post("/admin/invitations/{invitation_id:str}/revoke", status_code=200, guards=USER_MANAGERS)
async def revoke_invitation(request: Req, invitation_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    invitations = application_of(request).invitations
    await invitations.revoke(actor_of(request), InvitationId(invitation_id), request_metadata_of(request))
    return see_other("/admin/registrations?saved=revoked")


def _new_invitation(fields: FormFields) -> NewInvitation:
    """Returns the invitation that the form describes. Raises MalformedRequest."""
    try:
        uses, days = int(fields.text("max_uses")), int(fields.text("expires_in_days"))
    except ValueError as problem:
        raise MalformedRequest(problem="a field of the form must be a number. Reload the page.") from problem
    return NewInvitation(note=fields.text("note"), max_uses=uses, expires_in_days=days)


async def _registrations(
    request: Req,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    *,
    saved: str = "",
    link: str = "",
    cursor: str | None = None,
) -> Response[str]:
    """Returns the page; after a refused form with its message and what was typed."""
    application, actor = application_of(request), actor_of(request)
    waiting = await application.registrations.find_waiting(actor, page_request(None, None, cursor))
    return await page(
        request,
        "admin_registrations.html",
        status=status_of(error) if error else 200,
        mode=application.settings.registration,
        waiting=waiting.items,
        more=next_query(waiting),
        invitations=await application.invitations.find_all(actor),
        values={
            "note": fields.text("note") if fields else "",
            "max_uses": fields.text("max_uses") if fields else "1",
            "expires_in_days": fields.text("expires_in_days") if fields else str(DEFAULT_INVITATION_DAYS),
        },
        link=link,
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


router = Router(
    "/", route_handlers=[show_registrations, approve, reject, create_invitation, revoke_invitation]
)
