"""/mechanisms/{id}/revisions"""

from datetime import datetime
from typing import Any, Literal

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Forbidden
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.main_files import MainFile
from mechshare.domain.revisions import Revision
from mechshare.entrypoints.http.new_main_files import restore
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
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.served_files import ORIGINAL, RANGED, Expires, Signature, served_file
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)
from mechshare.entrypoints.http.representations.named_values import NamedValueFields, named_value_fields

Req = Request[Any, Any, Any]
TAG = Tag("revisions", "What the author of a mechanism stated before")


@published("FormerFile")
class FormerFileResponse(Struct):
    """A main file that another one replaced; `size` in bytes."""

    name: str
    kind: MechanismKind
    size: int
    sha256: str


@published("Revision")
class RevisionResponse(Struct):
    """`made_by` wrote the revision at `made_at` and changed the fields `changed`. `made_by` and `made_at` are null for
    the oldest remaining revision if earlier ones were pruned. `file` is its main file if that was replaced and is not
    deleted; null for one that has the current file."""

    number: int
    is_current: bool
    made_by: str | None
    made_at: datetime | None
    changed: list[Literal["title", "description", "parameters", "license", "file"]]
    title: str
    description: str
    parameters: list[NamedValueFields]
    license: str | None
    file: FormerFileResponse | None


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
    """States again what a revision stated, as a new revision; for the owner and admins. Requires If-Match.

    A former main file is processed again. Once it is ready, it and the texts of its revision take effect together;
    until then, and if processing fails, the mechanism stays as it is. Texts that are stated in the meantime stay.
    """
    await refuse_body(request)
    versions = expected_versions(request)
    item = await restore(request, mechanism_id_in(mechanism_id), number, versions)
    return mechanism_resource(request, item)


@get(
    "/revisions/{number:int}/file",
    operation_id="downloadFormerFile",
    summary="Download a former main file",
    responses=RANGED,
    opt={**OPTIONAL_TOKEN, **refuses(Forbidden)},
)
async def download_former_file(
    request: Req,
    mechanism_id: FromPath[str],
    number: FromPath[int],
    expires: Expires = 0,
    signature: Signature = "",
) -> Response[bytes]:
    """Returns the original of a revision whose main file was replaced, to those who see the revision and may download
    the original of the mechanism; documents to all who see the revision."""
    viewer = None if signature else await viewer_of(request)
    id, application = mechanism_id_in(mechanism_id), application_of(request)
    found = await application.media.find_former_file(viewer, id, number, expires=expires, signature=signature)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return await served_file(request, found, ORIGINAL)


@delete(
    "/revisions/{number:int}/file",
    guards=[require_permissions()],
    status_code=204,
    operation_id="deleteFormerFile",
    summary="Delete a former main file",
    opt=refuses(Forbidden),
)
async def delete_former_file(
    request: Req, mechanism_id: FromPath[str], number: FromPath[int]
) -> Response[None]:
    """Deletes the file of a revision whose main file was replaced, for good; for the owner and admins. What the
    revision states stays."""
    await application_of(request).main_files.delete_former_file(
        actor_of(request), mechanism_id_in(mechanism_id), number, request_metadata_of(request)
    )
    return no_content()


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
        file=_file(revision.main_file),
    )


def _file(file: MainFile | None) -> FormerFileResponse | None:
    if file is None:
        return None
    original = file.original
    return FormerFileResponse(name=original.name, kind=file.kind, size=original.size, sha256=original.sha256)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[find_revisions, restore_revision, download_former_file, delete_former_file],
)
