"""The revisions of a mechanism: two side by side, and restoring a former one."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.policy import can_edit
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.web.forms import form_fields, see_other
from mechshare.entrypoints.web.rendering import page
from mechshare.services.revisions import find_revision

Req = Request[Any, Any, Any]
_Number = Annotated[int | None, QueryParameter(name="older", ge=1)]
_OtherNumber = Annotated[int | None, QueryParameter(name="newer", ge=1)]


@get("/m/{mechanism_id:str}/revisions")
async def show_revisions(
    request: Req, mechanism_id: FromPath[str], older: _Number = None, newer: _OtherNumber = None
) -> Response[str]:
    """Shows the revisions `older` and `newer` side by side, the last two by default."""
    application, viewer, known = (
        application_of(request),
        await viewer_of(request),
        mechanism_id_in(mechanism_id),
    )
    item = await application.mechanisms.get_mechanism(viewer, known)
    await note_draft_read(request, viewer, item.mechanism)
    shared = await application.shares.access_of(viewer, item.mechanism)
    revisions = await application.revisions.find_revisions(viewer, known)
    latest = revisions[0].number
    return await page(
        request,
        "revisions.html",
        mechanism=item.mechanism,
        author=item.author,
        revisions=revisions,
        older=find_revision(revisions, older or max(latest - 1, revisions[-1].number)),
        newer=find_revision(revisions, newer or latest),
        can_edit=can_edit(viewer, item.mechanism, shared),
    )


@post(
    "/m/{mechanism_id:str}/revisions/{number:int}/restore",
    status_code=200,
    guards=[require_permissions()],
)
async def restore_revision(request: Req, mechanism_id: FromPath[str], number: FromPath[int]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    actor, application = actor_of(request), application_of(request)
    content = (await application.revisions.get_revised(actor, known, number)).revision.content
    await application.mechanisms.update_mechanism(
        actor,
        known,
        versions=(fields.version(),),
        request_metadata=request_metadata_of(request),
        **content.statement_changes,
    )
    return see_other(f"/m/{known}/revisions")


router = Router("/", route_handlers=[show_revisions, restore_revision])
