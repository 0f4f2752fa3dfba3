"""/registrations"""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath

from mechshare.domain.errors import Conflict
from mechshare.domain.ids import UserId
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, refuses
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content
from mechshare.entrypoints.http.representations.users import UserResponse, user_resource, user_response

Req = Request[Any, Any, Any]
TAG = Tag("registrations", "New accounts that await approval (admins)")
_GUARDS = [require_permissions("users:manage")]


@get(
    "/",
    guards=_GUARDS,
    operation_id="listRegistrations",
    summary="List accounts that await approval (admins)",
    responses=NOT_MODIFIED,
)
async def find_registrations(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[UserResponse]]:
    """Returns the accounts that await approval, oldest first."""
    registrations = application_of(request).registrations
    found = await registrations.find_waiting(actor_of(request), page_request(page, limit, cursor))
    listed = page_response(found, [user_response(user) for user in found.items])
    return list_resource(request, listed)


@post(
    "/{user_id:str}/approve",
    status_code=200,
    guards=_GUARDS,
    operation_id="approveRegistration",
    summary="Approve an account (admins)",
    opt=refuses(Conflict),
)
async def approve(request: Req, user_id: FromPath[str]) -> Response[UserResponse]:
    """Lets the person sign in."""
    await refuse_body(request)
    approved = await application_of(request).registrations.approve(
        actor_of(request), UserId(user_id), request_metadata_of(request)
    )
    return user_resource(request, approved)


@post(
    "/{user_id:str}/reject",
    status_code=204,
    guards=_GUARDS,
    operation_id="rejectRegistration",
    summary="Reject an account (admins)",
    opt=refuses(Conflict),
)
async def reject(request: Req, user_id: FromPath[str]) -> Response[None]:
    """Deletes the account that awaits approval."""
    await refuse_body(request)
    await application_of(request).registrations.reject(
        actor_of(request), UserId(user_id), request_metadata_of(request)
    )
    return no_content()


router = Router(
    "/api/v1/registrations", tags=[TAG.name], route_handlers=[find_registrations, approve, reject]
)
