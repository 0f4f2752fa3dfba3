"""The revisions of a mechanism: two side by side, and restoring a former one."""

from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.policy import can_edit, can_manage
from mechshare.domain.revisions import Revision
from mechshare.entrypoints.http.new_main_files import restore
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.representations.mechanisms import MediaAddresses, media_addresses
from mechshare.entrypoints.web.cards import Card, card
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
    latest, addresses = revisions[0].number, media_addresses(application)
    before = find_revision(revisions, older or max(latest - 1, revisions[-1].number))
    after = find_revision(revisions, newer or latest)
    return await page(
        request,
        "revisions.html",
        mechanism=item.mechanism,
        author=item.author,
        revisions=revisions,
        older=before,
        newer=after,
        older_card=_pictures(item, before, addresses),
        newer_card=_pictures(item, after, addresses),
        can_manage=can_manage(viewer, item.mechanism),
        can_edit=can_edit(viewer, item.mechanism, shared),
    )


@post(
    "/m/{mechanism_id:str}/revisions/{number:int}/restore",
    status_code=200,
    guards=[require_permissions()],
)
async def restore_revision(request: Req, mechanism_id: FromPath[str], number: FromPath[int]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    await restore(request, known, number, (fields.version(),))
    return see_other(f"/m/{known}/revisions")


@post(
    "/m/{mechanism_id:str}/revisions/{number:int}/file/delete",
    status_code=200,
    guards=[require_permissions()],
)
async def delete_former_file(
    request: Req, mechanism_id: FromPath[str], number: FromPath[int]
) -> Response[Any]:
    known = mechanism_id_in(mechanism_id)
    await application_of(request).main_files.delete_former_file(
        actor_of(request), known, number, request_metadata_of(request)
    )
    return see_other(f"/m/{known}/revisions")


def _pictures(item: AuthoredMechanism, revision: Revision, addresses: MediaAddresses) -> Card:
    """Returns the pictures of the file that a revision has, as far as it is left."""
    number = revision.number if revision.main_file else None
    revised = replace(item, mechanism=revision.applied_to(item.mechanism))
    return card(revised, addresses._replace(revision=number))


router = Router("/", route_handlers=[show_revisions, restore_revision, delete_former_file])
