"""/users/me/export"""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get, post
from msgspec import Struct

from mechshare.domain.account_exports import AccountExport, AccountExportState
from mechshare.domain.errors import Conflict, NotFound
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, refuses
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.served_files import RANGED
from mechshare.entrypoints.http.representations.account_exports import served_export
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
_PATH = "/me/export"


@published("AccountExport")
class AccountExportResponse(Struct):
    """`size` of the zip in bytes, 0 until it is ready; `file_url` is null until then."""

    state: AccountExportState
    size: int
    file_url: str | None
    created_at: datetime
    expires_at: datetime


@post(
    _PATH,
    status_code=202,
    guards=[require_permissions(), require_recent_sign_in],
    operation_id="requestAccountExport",
    summary="Request a zip of everything that is yours",
)
async def request_export(request: Req) -> Response[AccountExportResponse]:
    """Enqueues the export of the caller's account: mechanisms with originals and attachments, texts, claims, comments,
    marks, groups, names of tokens, reports and sign-ins. It replaces an earlier one, and expires after a day. Requires
    a recent sign-in."""
    await refuse_body(request)
    exports = application_of(request).account_exports
    export = await exports.request(actor_of(request), request_metadata_of(request))
    return resource(request, _response(export), status=202)


@get(
    _PATH,
    guards=[require_permissions()],
    operation_id="getAccountExport",
    summary="Look at the state of your export",
    responses=NOT_MODIFIED,
    opt=refuses(NotFound),
)
async def get_export(request: Req) -> Response[AccountExportResponse]:
    """Returns the export that the caller requested last."""
    export = await application_of(request).account_exports.find(actor_of(request))
    return resource(request, _response(export))


@get(
    f"{_PATH}/file",
    guards=[require_permissions()],
    operation_id="downloadAccountExport",
    summary="Download your export",
    responses=RANGED,
    opt=refuses(NotFound, Conflict),
)
async def download_export(request: Req) -> Response[bytes]:
    """Returns the zip, or a range of it."""
    return await served_export(request)


def _response(export: AccountExport) -> AccountExportResponse:
    is_ready = export.state is AccountExportState.READY
    return AccountExportResponse(
        state=export.state,
        size=export.size,
        file_url=f"{USERS_PATH}{_PATH}/file" if is_ready else None,
        created_at=export.created_at,
        expires_at=export.expires_at,
    )


router = Router(USERS_PATH, tags=["users"], route_handlers=[request_export, get_export, download_export])
