"""/mechanisms/{id}/lineage"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid
from mechshare.domain.lineage import MAX_DEPTH, LineageEdge, LineageKind, LineageStep
from mechshare.domain.mechanisms import Author
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
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
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("lineage", "What a mechanism builds on, and what builds on it")


@published("NewLineageEdge")
class NewEdgeFields(Struct, forbid_unknown_fields=True):
    """`source` is the identifier of the mechanism that this one builds on."""

    source: str
    kind: LineageKind


@published("LineageEdge")
class EdgeResponse(Struct):
    """The mechanism `mechanism_id` builds on `source_id`."""

    mechanism_id: str
    source_id: str
    kind: LineageKind
    created_at: datetime


@published("LineageMechanism")
class LineageMechanismResponse(Struct):
    """A mechanism `distance` edges away. `reliability_level` is null if its author states none."""

    id: str
    title: str
    user: Author
    reliability_level: int | None
    is_published: bool
    distance: int


@published("Lineage")
class LineageResponse(Struct):
    """`sources` are what the mechanism builds on and `derived` what builds on it, nearest first. `edges` are the
    relations among them. There are more than 200 in a direction unless `is_complete`."""

    mechanism_id: str
    sources: list[LineageMechanismResponse]
    derived: list[LineageMechanismResponse]
    edges: list[EdgeResponse]
    is_complete: bool


@get(
    "/lineage",
    operation_id="getLineage",
    summary="Read the lineage",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_lineage(
    request: Req,
    mechanism_id: FromPath[str],
    depth: Annotated[int, QueryParameter(name="depth", ge=1, le=MAX_DEPTH)] = 3,
) -> Response[LineageResponse]:
    """Returns what the mechanism builds on and what builds on it, as far as the caller may see it."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.lineage.find_lineage(viewer, id, depth)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    content = LineageResponse(
        mechanism_id=found.mechanism_id,
        sources=[_mechanism(step) for step in found.sources],
        derived=[_mechanism(step) for step in found.derived],
        edges=[_edge(edge) for edge in found.edges],
        is_complete=found.is_complete,
    )
    return resource(request, content)


@post(
    "/lineage",
    guards=[require_permissions()],
    status_code=201,
    operation_id="addLineage",
    summary="State what a mechanism builds on",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Forbidden, Conflict, Invalid)},
    operation_class=body_of(
        NewEdgeFields,
        example={"source": "01900000-0000-7000-8000-000000000000", "kind": "derived_from"},
    ),
)
async def add_lineage(request: Req, mechanism_id: FromPath[str]) -> Response[EdgeResponse]:
    """Adds a relation to a mechanism that the caller may see; for the owner and admins. Cycles are refused."""
    new = await decoded_body(request, NewEdgeFields)
    edge = await application_of(request).lineage.add_source(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        mechanism_id_in(new.source),
        new.kind,
        idempotent_request(request, new, _edge),
    )
    return resource(request, _edge(edge), status=201)


@delete(
    "/lineage/{kind:str}/{source_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="removeLineage",
    summary="Take back what a mechanism builds on",
    opt=refuses(Forbidden),
)
async def remove_lineage(
    request: Req, mechanism_id: FromPath[str], kind: FromPath[LineageKind], source_id: FromPath[str]
) -> Response[None]:
    """Removes a relation; for the owner and admins."""
    await application_of(request).lineage.remove_source(
        actor_of(request), mechanism_id_in(mechanism_id), mechanism_id_in(source_id), kind
    )
    return no_content()


def _edge(edge: LineageEdge) -> EdgeResponse:
    return EdgeResponse(edge.mechanism_id, edge.source_id, edge.kind, edge.created_at)


def _mechanism(step: LineageStep) -> LineageMechanismResponse:
    mechanism = step.item.mechanism
    return LineageMechanismResponse(
        id=mechanism.id,
        title=mechanism.title,
        user=step.item.author,
        reliability_level=mechanism.reliability_level,
        is_published=mechanism.is_published,
        distance=step.distance,
    )


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[get_lineage, add_lineage, remove_lineage],
)
