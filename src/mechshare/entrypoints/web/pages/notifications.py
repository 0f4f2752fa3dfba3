"""What the person is notified of, and what they have muted."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import Conflict
from mechshare.domain.notifications import NotificationId, NotificationKind
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.web.forms import Saved, form_fields, next_page, page_path, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]
_CONDITIONS = "notifications"
_PATH = "/my/notifications"


@get(_PATH, guards=[require_permissions()])
async def show_notifications(request: Req, cursor: Cursor = None, saved: Saved = "") -> Response[str]:
    notifications, actor = application_of(request).notifications, actor_of(request)
    found = await notifications.find(actor, page_request(None, None, cursor, conditions=_CONDITIONS))
    muted = await notifications.find_muted(actor)
    return await page(
        request,
        "notifications.html",
        notifications=found.items,
        more=next_query(found, conditions=_CONDITIONS),
        kinds=[kind.value for kind in NotificationKind],
        muted=muted,
        muted_titles=await notifications.find_muted_titles(actor, muted),
        here=page_path(_PATH, cursor),
        saved=saved,
    )


@post(_PATH + "/read", status_code=200, guards=[require_permissions()])
async def mark_all_read(request: Req) -> Response[Any]:
    await application_of(request).notifications.mark_all_read(actor_of(request))
    return see_other(_PATH)


@post(_PATH + "/{notification_id:str}/read", status_code=200, guards=[require_permissions()])
async def mark_read(request: Req, notification_id: FromPath[str]) -> Response[Any]:
    """Leads back to the notification, on the page in the field `next`."""
    fields, notifications = await form_fields(request), application_of(request).notifications
    await notifications.mark_read(actor_of(request), NotificationId(notification_id))
    return see_other(f"{next_page(fields, _PATH)}#notification-{notification_id}")


@post(_PATH + "/kinds", status_code=200, guards=[require_permissions()])
async def choose_kinds(request: Req) -> Response[Any]:
    """Mutes the kinds that the form does not contain in the field `kind`, and unmutes the others."""
    fields = await form_fields(request)
    notifications, actor, wanted = (
        application_of(request).notifications,
        actor_of(request),
        fields.get("kind", []),
    )
    for kind in NotificationKind:
        if kind.value in wanted:
            await notifications.unmute_kind(actor, kind)
        else:
            await notifications.mute_kind(actor, kind)
    return see_other(f"{_PATH}?saved=kinds")


@post("/m/{mechanism_id:str}/mute", status_code=200, guards=[require_permissions()])
async def mute_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Mutes the mechanism, or unmutes it if the field `do` says so; leads to the page in the field `next`, if any."""
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    notifications, actor = application_of(request).notifications, actor_of(request)
    if fields.text("do") == "remove":
        await notifications.unmute_mechanism(actor, known)
        return see_other(next_page(fields, _PATH))
    try:
        await notifications.mute_mechanism(actor, known)
    except Conflict:
        return see_other(f"{_PATH}?saved=full")
    return see_other(next_page(fields, f"{_PATH}?saved=muted"))


router = Router(
    "/", route_handlers=[show_notifications, mark_all_read, mark_read, choose_kinds, mute_mechanism]
)
