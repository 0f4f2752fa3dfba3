"""/invitations"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Invalid
from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import (
    DEFAULT_INVITATION_DAYS,
    MAX_INVITATION_DAYS,
    MAX_INVITATION_USES,
    MAX_NOTE_LENGTH,
    Invitation,
)
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, body_of, documented, refuses
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.services.invitations import NewInvitation

Req = Request[Any, Any, Any]
TAG = Tag("invitations", "Links by which people create accounts (admins)")
_GUARDS = [require_permissions("users:manage")]


@published("NewInvitation")
class NewInvitationBody(Struct, forbid_unknown_fields=True):
    """`note` says for whom it is; `max_uses` is the number of accounts that it admits."""

    note: Annotated[str, documented(maxLength=MAX_NOTE_LENGTH)] = ""
    max_uses: Annotated[int, documented(minimum=1, maximum=MAX_INVITATION_USES)] = 1
    expires_in_days: Annotated[int, documented(minimum=1, maximum=MAX_INVITATION_DAYS)] = (
        DEFAULT_INVITATION_DAYS
    )


@published("Invitation")
class InvitationResponse(Struct):
    """`created_by` is the user who invites; null for the operator."""

    id: str
    note: str
    created_by: str | None
    created_at: datetime
    expires_at: datetime
    max_uses: int
    uses: int


@published("CreatedInvitation")
class CreatedInvitationResponse(InvitationResponse):
    """`invitation` is the secret to register with, and `url` the page that does: no other response contains them."""

    invitation: str
    url: str


@published("InvitationList")
class InvitationsResponse(Struct):
    items: list[InvitationResponse]


@get(
    "/",
    guards=_GUARDS,
    operation_id="listInvitations",
    summary="List invitations (admins)",
    responses=NOT_MODIFIED,
)
async def find_invitations(request: Req) -> Response[InvitationsResponse]:
    """Returns all invitations, newest first; expired ones for a month after their expiry."""
    found = await application_of(request).invitations.find_all(actor_of(request))
    return resource(request, InvitationsResponse([InvitationResponse(**_fields(one)) for one in found]))


@post(
    "/",
    status_code=201,
    guards=[*_GUARDS, require_recent_sign_in],
    operation_id="createInvitation",
    summary="Create an invitation (admins)",
    opt=refuses(Invalid),
    operation_class=body_of(NewInvitationBody, example={"note": "設計課", "max_uses": 5}),
)
async def create_invitation(request: Req) -> Response[CreatedInvitationResponse]:
    """Creates an invitation and returns its link once: pass it on yourself. Requires a recent sign-in."""
    body = await decoded_body(request, NewInvitationBody)
    new = NewInvitation(note=body.note, max_uses=body.max_uses, expires_in_days=body.expires_in_days)
    invitation, secret = await application_of(request).invitations.create(
        actor_of(request), new, request_metadata_of(request)
    )
    url = f"{site_url(request)}/register?invitation={secret}"
    created = CreatedInvitationResponse(**_fields(invitation), invitation=secret, url=url)
    return resource(request, created, status=201, cache="no-store")


@delete(
    "/{invitation_id:str}",
    status_code=204,
    guards=_GUARDS,
    operation_id="revokeInvitation",
    summary="Revoke an invitation (admins)",
)
async def revoke_invitation(request: Req, invitation_id: FromPath[str]) -> Response[None]:
    """Ends an invitation at once; accounts that came by it stay."""
    invitations = application_of(request).invitations
    await invitations.revoke(actor_of(request), InvitationId(invitation_id), request_metadata_of(request))
    return no_content()


def _fields(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "note": invitation.note,
        "created_by": invitation.created_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
        "max_uses": invitation.max_uses,
        "uses": invitation.uses,
    }


router = Router(
    "/api/v1/invitations",
    tags=[TAG.name],
    route_handlers=[find_invitations, create_invitation, revoke_invitation],
)
