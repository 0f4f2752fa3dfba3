"""/audit"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.audit import AuditAction, AuditFilter, audit_filter
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.schema_names import published

Req = Request[Any, Any, Any]
TAG = Tag("audit", "Who did what, and when")

Action = Annotated[AuditAction | None, QueryParameter(name="action")]
ActorId = Annotated[str | None, QueryParameter(name="actor_id", max_length=64)]
Subject = Annotated[str, QueryParameter(name="subject", max_length=254)]
Address = Annotated[str, QueryParameter(name="address", max_length=64)]
Moment = datetime | None
Since = Annotated[Moment, QueryParameter(name="since", description="Included; RFC 3339.")]
Until = Annotated[Moment, QueryParameter(name="until", description="Not included; RFC 3339.")]


@published("AuditEntry")
class AuditEntryResponse(Struct):
    """`subject` is the object of the action: the account name of a sign-in, otherwise an identifier."""

    id: str
    at: datetime
    action: AuditAction
    actor_id: str | None
    subject: str
    address: str
    request_id: str
    detail: str


@get(
    "/",
    guards=[require_permissions("audit:read")],
    operation_id="listAuditEntries",
    summary="Read the audit log (admins)",
    responses=NOT_MODIFIED,
)
async def find_entries(
    request: Req,
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
    action: Action = None,
    actor_id: ActorId = None,
    subject: Subject = "",
    address: Address = "",
    since: Since = None,
    until: Until = None,
) -> Response[PageResponse[AuditEntryResponse]]:
    """Returns the entries of the audit log that meet all conditions, newest first."""
    chosen = audit_filter(action, actor_id, subject, address, since, until)
    conditions = conditions_of(chosen)
    requested = page_request(page, limit, cursor, conditions=conditions)
    found = await application_of(request).audit.find_all(actor_of(request), requested, chosen)
    listed = page_response(
        found,
        msgspec.convert(found.items, list[AuditEntryResponse], from_attributes=True),
        conditions=conditions,
    )
    return list_resource(request, listed)


def conditions_of(chosen: AuditFilter) -> str:
    """Returns the conditions as a text, which ties a cursor to its list."""
    return repr(sorted((name, str(value)) for name, value in chosen.values.items()))


router = Router("/api/v1/audit", tags=[TAG.name], route_handlers=[find_entries])
