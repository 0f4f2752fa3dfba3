"""/mechanisms/{id}/reliability"""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.reliability import AuthoredChange
from mechshare.entrypoints.http.protocol.auth import application_of, request_metadata_of, viewer_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanism_fields import ReliabilityFields
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

TAG = Tag("reliability", "How well a mechanism is known to be true")


@published("ReliabilityChange")
class ReliabilityChangeResponse(Struct):
    """Since `version` of the mechanism its author states `reliability`, or nothing (null). `changed_by_name` is null
    if the account was deleted."""

    version: int
    changed_at: datetime
    changed_by: str
    changed_by_name: str | None
    reliability: ReliabilityFields | None


@published("ReliabilityHistory")
class ReliabilityHistoryResponse(Struct):
    """The latest 100 changes, newest first."""

    items: list[ReliabilityChangeResponse]


@get(
    "/history",
    operation_id="listReliabilityChanges",
    summary="Read the history of the reliability",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_history(
    request: Request[Any, Any, Any], mechanism_id: FromPath[str]
) -> Response[ReliabilityHistoryResponse]:
    """Returns who stated which level, when and why. Access is that to the mechanism."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.reliability.find_history(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return resource(request, ReliabilityHistoryResponse(list(map(_change, found))))


def _change(item: AuthoredChange) -> ReliabilityChangeResponse:
    change = item.change
    return ReliabilityChangeResponse(
        version=change.version,
        changed_at=change.changed_at,
        changed_by=change.changed_by,
        changed_by_name=item.name,
        reliability=msgspec.convert(change.stated, ReliabilityFields | None, from_attributes=True),
    )


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}/reliability", tags=[TAG.name], route_handlers=[find_history]
)
