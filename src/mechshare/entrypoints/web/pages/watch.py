"""The page of one mechanism, and what its owner and moderators do there."""

from collections.abc import Sequence
from typing import Annotated, Any

import segno
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter
from markupsafe import Markup

from mechshare.application import Application
from mechshare.domain.blobs import blob_url
from mechshare.domain.citations import citation_of
from mechshare.domain.collections import MAX_COLLECTIONS, CoveredCollection
from mechshare.domain.comments import CommentSort
from mechshare.domain.errors import (
    Conflict,
    DomainException,
    Invalid,
    Malformed,
    OutOfSpace,
    Stale,
    TooLarge,
    UnsupportedMedia,
)
from mechshare.domain.ids import MechanismId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.main_files import MainFile
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.policy import Viewer
from mechshare.domain.thumbnails import moment_in
from mechshare.entrypoints.http.new_thumbnails import choose_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import page_request
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.protocol.visits import note_view
from mechshare.entrypoints.http.representations.attachments import thumbnail_urls
from mechshare.entrypoints.http.representations.mechanisms import MediaAddresses, media_addresses
from mechshare.entrypoints.web.actions import NO_ACTIONS, actions_of
from mechshare.entrypoints.web.cards import card, external_host
from mechshare.entrypoints.web.discussions import comment_actions, form_values, timeline_marks
from mechshare.entrypoints.web.forms import FormFields, form_fields, next_page, see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.owned import failed_file
from mechshare.entrypoints.web.previews import link_preview
from mechshare.entrypoints.web.rendering import hide_referrer, page, problem_of
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
_COMMENTS = 10
"""How many threads the page shows, the newest."""
_ALIKE = 6
"""How many mechanisms that move alike the page shows."""
_SHOWN_ON_PAGE = (Conflict, Invalid, Stale)
"""The families of errors that the page shows above the clip; others are pages of their own."""
_PICTURE_REFUSED = (*_SHOWN_ON_PAGE, Malformed, OutOfSpace, TooLarge, UnsupportedMedia)


@get("/m/{mechanism_id:str}")
async def show_mechanism(
    request: Req,
    mechanism_id: FromPath[str],
    number: Annotated[int | None, QueryParameter(name="revision", ge=1)] = None,
) -> Response[str]:
    """Shows the mechanism, or what it was in the revision with this number."""
    known = mechanism_id_in(mechanism_id)
    shown = await _watch_page(request, known, number=number)
    note_view(request, await viewer_of(request), known)
    return shown


@post("/m/{mechanism_id:str}/publish", status_code=200, guards=[require_permissions()])
async def publish(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).mechanisms.publish(
            actor_of(request),
            known,
            versions=_versions(fields),
            request_metadata=request_metadata_of(request),
        )
    except _SHOWN_ON_PAGE as error:
        return await _watch_page(request, known, error)
    return see_other(next_page(fields, f"/m/{known}"))


@post("/m/{mechanism_id:str}/withdraw", status_code=200, guards=[require_permissions()])
async def withdraw(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Withdraws the mechanism; a moderator gives the reason in the field `reason`."""
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).mechanisms.withdraw(
            actor_of(request),
            known,
            request_metadata_of(request),
            reason=fields.text("reason"),
            versions=_versions(fields),
        )
    except _SHOWN_ON_PAGE as error:
        return await _watch_page(request, known, error, reason=fields.text("reason"))
    return see_other(next_page(fields, f"/m/{known}"))


@post(
    "/m/{mechanism_id:str}/thumbnail",
    status_code=200,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.RETRIES),
)
async def choose_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Draws the thumbnail at the moment in the field `thumbnail_at`, in seconds; mechshare chooses if it is empty."""
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).thumbnails.choose_thumbnail(
            actor_of(request), known, moment_in(fields.text("thumbnail_at")), request_metadata_of(request)
        )
    except _SHOWN_ON_PAGE as error:
        return await _watch_page(request, known, error)
    return see_other(f"/m/{known}")


@post(
    "/m/{mechanism_id:str}/thumbnail/picture",
    status_code=200,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
)
async def send_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Draws the thumbnail from the picture of the form."""
    known = mechanism_id_in(mechanism_id)
    try:
        await choose_from_form(request, known)
    except _PICTURE_REFUSED as error:
        return await _watch_page(request, known, error)
    return see_other(f"/m/{known}")


@post(
    "/m/{mechanism_id:str}/thumbnail/picture/remove",
    status_code=200,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.RETRIES),
)
async def remove_sent_thumbnail(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Draws the thumbnail that was chosen before a picture was sent."""
    known = mechanism_id_in(mechanism_id)
    try:
        await application_of(request).thumbnails.remove_own_thumbnail(
            actor_of(request), known, request_metadata_of(request)
        )
    except _SHOWN_ON_PAGE as error:
        return await _watch_page(request, known, error)
    return see_other(f"/m/{known}")


@post("/m/{mechanism_id:str}/delete", status_code=200, guards=[require_permissions()])
async def delete(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        await application_of(request).mechanisms.delete_mechanism(
            actor_of(request), known, request_metadata_of(request), versions=_versions(fields)
        )
    except _SHOWN_ON_PAGE as error:
        return await _watch_page(request, known, error)
    return see_other(next_page(fields, "/my"))


async def _watch_page(
    request: Req,
    mechanism_id: MechanismId,
    error: DomainException | None = None,
    reason: str = "",
    number: int | None = None,
) -> Response[str]:
    """Returns the page; with the message of `error` after a refused action."""
    application = application_of(request)
    viewer = await viewer_of(request)
    item = await application.mechanisms.get_mechanism(viewer, mechanism_id)
    revision = None
    if number is not None:
        revised = await application.revisions.get_revised(viewer, mechanism_id, number)
        item, revision = revised.item, revised.revision
    await note_draft_read(request, viewer, item.mechanism)
    addresses, mechanism = media_addresses(application), item.mechanism
    former = revision.main_file if revision else None
    shown = card(item, addresses._replace(revision=number if former else None))
    preview = link_preview(request, shown) if revision is None else None
    every = await application.categories.find_all()
    evidence, history = await application.evidence.find_trust(viewer, mechanism_id)
    host = external_host(mechanism)
    alike = await application.motions.find_similar(viewer, mechanism_id, _ALIKE)
    attachments = await application.attachments.find_all(viewer, mechanism_id)
    watched = await page(
        request,
        "watch.html",
        **await _community(application, viewer, mechanism),
        **_failures(application, mechanism, language_of(request)),
        status=status_of(error) if error else 200,
        shown=shown,
        revision=revision,
        page_urls=await _page_urls(application, viewer, mechanism, addresses, former),
        preview=preview,
        qr_code=_qr_code(preview.page_url) if preview else None,
        actions=NO_ACTIONS
        if revision
        else actions_of(viewer, mechanism, await application.shares.access_of(viewer, mechanism)),
        categories=[one for one in every if one.id in mechanism.categories],
        external_host=host,
        history=history,
        attachments=attachments,
        thumbnails=thumbnail_urls(mechanism, attachments, addresses),
        alike=[card(one.item, addresses) for one in alike],
        citation=citation_of(item, site_url(request)) if preview else None,
        evidence=evidence,
        reason=reason,
        problem=problem_of(request, error) if error else None,
    )
    if preview:
        # The permanent address under which the page is cited (RFC 8574).
        watched.headers["Link"] = f'<{preview.page_url}>; rel="cite-as"'
    return hide_referrer(watched, has_forms=viewer is not None) if host else watched


async def _community(application: Application, viewer: Viewer, mechanism: Mechanism) -> dict[str, Any]:
    """Returns what the template shows of comments, and of what the person has done with the mechanism."""
    id = mechanism.id
    requested = page_request(None, _COMMENTS, None, conditions=id)
    discussion = await application.comments.find_threads(viewer, id, CommentSort.NEWEST, requested)
    return {
        "discussion": discussion,
        "comment_actions": comment_actions(application, viewer, mechanism, discussion.comments),
        "comment_values": form_values(None),
        "timeline": timeline_marks(mechanism, await application.comments.find_anchored(viewer, id)),
        "marks": await application.marks.find(viewer, id),
        "is_muted": viewer is not None and id in await application.notifications.find_muted(viewer),
        "own_collections": await _own_collections(application, viewer),
        "holding": await application.collections.find_holding(viewer, id) if viewer else (),
    }


async def _own_collections(application: Application, viewer: Viewer) -> Sequence[CoveredCollection]:
    """Returns the collections of the person, into which the page puts the mechanism."""
    if viewer is None:
        return ()
    found = await application.collections.find_of_user(viewer, viewer.id, PageRequest(limit=MAX_COLLECTIONS))
    return found.items


async def _page_urls(
    application: Application,
    viewer: Viewer,
    mechanism: Mechanism,
    addresses: MediaAddresses,
    former: MainFile | None,
) -> list[str]:
    """Returns the addresses of the pictures of a document's pages, those of a `former` document if there is one."""
    if mechanism.kind is not MechanismKind.DOCUMENT:
        return []
    keys = former.pages if former else await application.media.find_page_keys(viewer, mechanism.id)
    is_withdrawn = mechanism.withdrawn_reason is not None
    is_public = mechanism.is_open and former is None
    urls = (addresses.of(blob_url(key), is_public=is_public, is_withdrawn=is_withdrawn) for key in keys)
    return [url for url in urls if url]


def _failures(application: Application, mechanism: Mechanism, language: str) -> dict[str, Any]:
    """Returns what the template shows of files that could not be processed."""
    original = mechanism.original
    thumbnail = original.thumbnail_failure if original else None
    replacement = original.replacement_failure if original else None
    return {
        "failed": failed_file(application, mechanism, language),
        "thumbnail_failure": thumbnail.message(language) if thumbnail else "",
        "file_failure": replacement.message(language) if replacement else "",
    }


def _versions(fields: FormFields) -> tuple[int, ...] | None:
    """Returns the version that the form was made for; None if the form takes any."""
    return (fields.version(),) if "version" in fields else None


def _qr_code(address: str) -> Markup:
    """Returns the address as a QR code: black on white in both colour schemes, since readers need the contrast."""
    code = segno.make(address, micro=False, error="m")
    return Markup(code.svg_inline(scale=4, dark="#000", light="#fff", svgclass="qr", omitsize=True))  # noqa: S704


router = Router(
    "/",
    route_handlers=[
        show_mechanism,
        publish,
        withdraw,
        choose_thumbnail,
        send_thumbnail,
        remove_sent_thumbnail,
        delete,
    ],
)
