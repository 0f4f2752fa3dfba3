"""/mechanisms/{id}/file"""

from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid, NotFound, OutOfSpace
from mechshare.entrypoints.http.new_main_files import replace_from_form, replace_from_upload
from mechshare.entrypoints.http.protocol.auth import limits, require_permissions
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IF_MATCH,
    body_of,
    documented,
    form_of,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]


@published("NewMainFile")
class NewMainFile(Struct):
    """A form whose `file` is a clip, a picture or a document."""


@published("NewMainFileFromUpload")
class NewMainFileFromUpload(Struct, forbid_unknown_fields=True):
    """A file that was uploaded to /uploads. `upload` is the id of the upload, or its address."""

    upload: Annotated[str, documented(minLength=1, maxLength=2_000)]


@post(
    "/file",
    guards=[require_permissions()],
    operation_class=form_of(NewMainFile),
    request_max_body_size=None,
    status_code=202,
    operation_id="replaceMainFile",
    before_request=limits(CostlyOperation.UPLOADS),
    summary="Replace the main file",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid, Conflict, OutOfSpace)},
)
async def replace_main_file(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Accepts a multipart form with a clip, a picture or a document as `file`, which takes the place of the main file
    once it is processed. Requires If-Match.

    Until then, and if processing fails, the mechanism shows what it shows now; `file_failure` then says why. The former
    file stays with its revision.
    """
    versions = expected_versions(request)
    item = await replace_from_form(request, mechanism_id_in(mechanism_id), versions)
    return mechanism_resource(request, item, status=202)


@post(
    "/file/from-upload",
    guards=[require_permissions()],
    operation_class=body_of(
        NewMainFileFromUpload, example={"upload": "01900000-0000-7000-8000-000000000000"}
    ),
    status_code=202,
    operation_id="replaceMainFileByUpload",
    summary="Replace the main file by an upload",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid, Conflict, NotFound, OutOfSpace)},
)
async def replace_main_file_by_upload(
    request: Req, mechanism_id: FromPath[str]
) -> Response[MechanismResponse]:
    """Accepts JSON with a complete upload, which it ends. Requires If-Match. If it is refused, the upload stays."""
    new = await decoded_body(request, NewMainFileFromUpload)
    versions = expected_versions(request)
    item = await replace_from_upload(request, mechanism_id_in(mechanism_id), new.upload, versions)
    return mechanism_resource(request, item, status=202)


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=["revisions"],
    route_handlers=[replace_main_file, replace_main_file_by_upload],
)
