"""/mechanisms/{id}/revisions"""

from datetime import datetime
from typing import Any, Literal

from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Forbidden
from mechshare.domain.revisions import Revision
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IF_MATCH,
    NOT_MODIFIED,
    OPTIONAL_TOKEN,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)
from mechshare.entrypoints.http.representations.named_values import NamedValueFields, named_value_fields

Req = Request[Any, Any, Any]
TAG = Tag("revisions", "What the author of a mechanism stated before")


@published("Revision")
class RevisionResponse(Struct):
    """`made_by` wrote the revision at `made_at` and changed the fields `changed`. `made_by` and `made_at` are null for
    the oldest remaining revision if earlier ones were pruned."""

    number: int
    is_current: bool
    made_by: str | None
    made_at: datetime | None
    changed: list[Literal["title", "description", "parameters", "license"]]
    title: str
    description: str
    parameters: list[NamedValueFields]
    license: str | None


@published("Revisions")
class RevisionsResponse(Struct):
    """The current revision and the latest 100 former ones, newest first."""

    items: list[RevisionResponse]


@get(
    "/revisions",
    operation_id="listRevisions",
    summary="List the revisions",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_revisions(request: Req, mechanism_id: FromPath[str]) -> Response[RevisionsResponse]:
    """Returns who stated what, and when. Access is that to the mechanism."""
    viewer, id, application = await viewer_of(request), mechanism_id_in(mechanism_id), application_of(request)
    found = await application.revisions.find_revisions(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return resource(request, RevisionsResponse(list(map(_revision, found))))


@post(
    "/revisions/{number:int}/restore",
    guards=[require_permissions()],
    status_code=200,
    operation_id="restoreRevision",
    summary="Restore a revision",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden)},
)
async def restore_revision(
    request: Req, mechanism_id: FromPath[str], number: FromPath[int]
) -> Response[MechanismResponse]:
    """States again what a revision stated, as a new revision; for the owner and admins. Requires If-Match."""
    await refuse_body(request)
    actor, id, application = actor_of(request), mechanism_id_in(mechanism_id), application_of(request)
    versions = expected_versions(request)
    content = (await application.revisions.get_revised(actor, id, number)).revision.content
    item = await application.mechanisms.update_mechanism(
        actor,
        id,
        versions=versions,
        request_metadata=request_metadata_of(request),
        **content.statement_changes,
    )
    return mechanism_resource(request, item)


def _revision(revision: Revision) -> RevisionResponse:
    content = revision.content
    return RevisionResponse(
        number=revision.number,
        is_current=revision.is_current,
        made_by=revision.made_by,
        made_at=revision.made_at,
        changed=list(revision.changed),  # type: ignore[arg-type]
        title=content.title,
        description=content.description,
        parameters=named_value_fields(content.parameters),
        license=content.license,
    )


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[find_revisions, restore_revision],
)
