"""Visits as requests show them: who looks at a mechanism, or downloads its files."""

from typing import Any

from litestar import Request, Response
from litestar.types import Scope

from mechshare.domain.ids import MechanismId
from mechshare.domain.policy import Viewer
from mechshare.domain.statistics import VisitKind
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.client_address import client_address_of
from mechshare.entrypoints.http.protocol.header_fields import user_agent_of
from mechshare.entrypoints.http.protocol.served_files import OFFLOAD_FIELDS
from mechshare.services.support.visits import Visitor

IS_HEAD = "mechshare.is_head"
"""The key in the request's state that is set for HEAD, which the routes handle as GET."""
_PURPOSES = (b"sec-purpose", b"purpose")


def visitor_of(scope: Scope, viewer: Viewer) -> Visitor | None:
    """Returns the visitor; None if nobody looks: for HEAD, and where a browser only loads ahead."""
    if IS_HEAD in scope["state"]:
        return None
    if any(name in _PURPOSES and b"prefetch" in value for name, value in scope["headers"]):
        return None
    user_id = viewer.id if viewer else None
    return Visitor(user_id, client_address_of(scope), user_agent_of(scope["headers"]))


def note_view(request: Request[Any, Any, Any], viewer: Viewer, mechanism_id: MechanismId) -> None:
    """Notes that `viewer`, who may, looks at the mechanism."""
    _note(request, viewer, mechanism_id, VisitKind.VIEW)


def note_download(
    request: Request[Any, Any, Any], viewer: Viewer, mechanism_id: MechanismId, response: Response[Any]
) -> None:
    """Notes a download, if the response has the first byte of the file or leads to it."""
    if _begins_file(request, response):
        _note(request, viewer, mechanism_id, VisitKind.DOWNLOAD)


def _note(
    request: Request[Any, Any, Any], viewer: Viewer, mechanism_id: MechanismId, kind: VisitKind
) -> None:
    visitor = visitor_of(request.scope, viewer)
    if visitor is not None:
        application_of(request).statistics.note(kind, mechanism_id, visitor)


def _begins_file(request: Request[Any, Any, Any], response: Response[Any]) -> bool:
    if response.status_code == 206:
        return str(response.headers["Content-Range"]).startswith("bytes 0-")
    # The store or the proxy sends the range that the client asks for.
    if response.status_code == 302 or OFFLOAD_FIELDS & {*response.headers}:
        return request.headers.get("range", "bytes=0-").startswith("bytes=0-")
    return response.status_code == 200
