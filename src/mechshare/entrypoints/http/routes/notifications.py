"""/users/me/notifications and /users/me/notification-mutes"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Struct

from mechshare.domain.errors import Conflict, InvalidToken, NotFound, Unavailable
from mechshare.domain.ids import is_id
from mechshare.domain.mechanisms import Author
from mechshare.domain.notifications import (
    MAX_COUNTED,
    NotificationId,
    NotificationKind,
    NotificationNotFound,
    UnreadState,
)
from mechshare.entrypoints.http.event_streams import HEARTBEAT, StreamTime
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, refuses
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("notifications", "What happened to your mechanisms, comments and reports")
EVENTS_PATH = "/notifications/events"
"""Path of the event stream, relative to that of the user."""
_CONDITIONS = "notifications"


@published("Notification")
class NotificationResponse(Struct):
    """`subject` is the comment, claim or report that it is about, or empty. `actor` is null for likes and follows, of
    which `count` is the number, for moderators and for the server. `title` is that of the mechanism now."""

    id: str
    kind: NotificationKind
    mechanism_id: str | None
    title: str | None
    actor: Author | None
    subject: str
    count: int
    created_at: datetime
    read_at: datetime | None


@published("UnreadCount")
class UnreadCountResponse(Struct):
    """`unread` is exact while `is_exact`; beyond 100, older ones are not counted."""

    unread: int
    is_exact: bool


@published("MutedNotifications")
class MutedResponse(Struct):
    """The kinds, and the identifiers of the mechanisms, of which no notifications arrive."""

    kinds: list[NotificationKind]
    mechanisms: list[str]


@get(
    "/notifications",
    guards=[require_permissions()],
    operation_id="listNotifications",
    summary="List your notifications",
    responses=NOT_MODIFIED,
)
async def find_notifications(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[NotificationResponse]]:
    """Returns the notifications of the last 90 days, newest first. A page lacks those about what you may not see at
    present, which `total` counts."""
    requested = page_request(page, limit, cursor, conditions=_CONDITIONS)
    found = await application_of(request).notifications.find(actor_of(request), requested)
    items = [NotificationResponse(**one.fields()) for one in found.items]
    return list_resource(request, page_response(found, items, conditions=_CONDITIONS))


@get(
    "/notifications/unread",
    guards=[require_permissions()],
    operation_id="countUnreadNotifications",
    summary="Count your unread notifications",
    responses=NOT_MODIFIED,
)
async def count_unread(request: Req) -> Response[UnreadCountResponse]:
    """Returns how many of your notifications are unread."""
    unread = await application_of(request).notifications.count_unread(actor_of(request))
    return resource(request, _unread(unread))


@get(
    EVENTS_PATH,
    guards=[require_permissions()],
    operation_id="watchUnreadNotifications",
    summary="Watch your unread notifications (server-sent events)",
    media_type="text/event-stream",
)
async def watch_unread(request: Req) -> ServerSentEvent:
    """Sends an event `unread` with the count at once, and within seconds of each change.

    The stream ends when the session or the token of the caller ends, after 10 minutes, or when the server stops.
    """
    return ServerSentEvent(_events(request))


class _UnreadCounts:
    """The counts that one stream sends: the first, and each that differs from the one before."""

    def __init__(self, request: Req) -> None:
        self._request = request
        self._feed = application_of(request).notification_feed
        self._counted: UnreadState | None = None
        self._sent: int | None = None

    async def next(self) -> int | None:
        """Returns the count if it is to be sent. Raises InvalidToken once the session or the token has ended, and
        Unavailable."""
        actor = await viewer_of(self._request)
        if actor is None:
            raise InvalidToken()
        state = self._feed.state(actor.id)
        if self._sent is not None and state == self._counted:
            return None
        unread, self._counted = await self._feed.count(actor), state
        if unread == self._sent:
            return None
        self._sent = unread
        return unread


async def _events(request: Req) -> AsyncIterator[ServerSentEventMessage]:
    feed, counts, time = (
        application_of(request).notification_feed,
        _UnreadCounts(request),
        StreamTime(request),
    )
    async with feed.watching(actor_of(request).id):
        while True:
            try:
                unread = await counts.next()
            except InvalidToken:
                return
            except Unavailable:
                unread = None  # the last count remains valid until the database is back
            if unread is not None:
                yield _event(unread)
                time.restart_heartbeat()
            if time.is_over:
                return
            if time.needs_heartbeat:
                yield HEARTBEAT
                time.restart_heartbeat()
            await feed.wait()


def _event(unread: int) -> ServerSentEventMessage:
    return ServerSentEventMessage(data=msgspec.json.encode(_unread(unread)).decode(), event="unread")


def _unread(count: int) -> UnreadCountResponse:
    return UnreadCountResponse(count, is_exact=count < MAX_COUNTED)


@put(
    "/notifications/read",
    guards=[require_permissions()],
    status_code=204,
    operation_id="markAllNotificationsRead",
    summary="Mark all notifications as read",
)
async def mark_all_read(request: Req) -> Response[None]:
    """Marks all your notifications as read; a repetition changes nothing."""
    await refuse_body(request)
    await application_of(request).notifications.mark_all_read(actor_of(request))
    return no_content()


@put(
    "/notifications/{notification_id:str}/read",
    guards=[require_permissions()],
    status_code=204,
    operation_id="markNotificationRead",
    summary="Mark a notification as read",
    opt=refuses(NotFound),
)
async def mark_read(request: Req, notification_id: FromPath[str]) -> Response[None]:
    """Marks one of your notifications as read; a repetition changes nothing."""
    await refuse_body(request)
    if not is_id(notification_id):
        raise NotificationNotFound()
    id = NotificationId(notification_id)
    await application_of(request).notifications.mark_read(actor_of(request), id)
    return no_content()


@get(
    "/notification-mutes",
    guards=[require_permissions()],
    operation_id="listMutedNotifications",
    summary="List what you have muted",
    responses=NOT_MODIFIED,
)
async def find_muted(request: Req) -> Response[MutedResponse]:
    """Returns the kinds and mechanisms of which you get no notifications."""
    muted = await application_of(request).notifications.find_muted(actor_of(request))
    kinds = [kind for kind in NotificationKind if kind.value in muted]
    return resource(request, MutedResponse(kinds, sorted(filter(is_id, muted))))


@put(
    "/notification-mutes/kinds/{kind:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="muteNotificationKind",
    summary="Mute a kind of notification",
)
async def mute_kind(request: Req, kind: FromPath[NotificationKind]) -> Response[None]:
    """Turns notifications of this kind off; a repetition changes nothing."""
    await refuse_body(request)
    await application_of(request).notifications.mute_kind(actor_of(request), kind)
    return no_content()


@delete(
    "/notification-mutes/kinds/{kind:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="unmuteNotificationKind",
    summary="Unmute a kind of notification",
)
async def unmute_kind(request: Req, kind: FromPath[NotificationKind]) -> Response[None]:
    """Turns notifications of this kind on again; a repetition changes nothing."""
    await application_of(request).notifications.unmute_kind(actor_of(request), kind)
    return no_content()


@put(
    "/notification-mutes/mechanisms/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="muteMechanism",
    summary="Mute notifications about a mechanism",
    opt=refuses(Conflict, NotFound),
)
async def mute_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Turns notifications about a mechanism off, which the caller must be able to see; a repetition changes nothing."""
    await refuse_body(request)
    known = mechanism_id_in(mechanism_id)
    await application_of(request).notifications.mute_mechanism(actor_of(request), known)
    return no_content()


@delete(
    "/notification-mutes/mechanisms/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="unmuteMechanism",
    summary="Unmute notifications about a mechanism",
    opt=refuses(NotFound),
)
async def unmute_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Turns notifications about this mechanism on again; a repetition changes nothing."""
    known = mechanism_id_in(mechanism_id)
    await application_of(request).notifications.unmute_mechanism(actor_of(request), known)
    return no_content()


router = Router(
    USERS_PATH + "/me",
    tags=[TAG.name],
    route_handlers=[
        find_notifications,
        count_unread,
        watch_unread,
        mark_all_read,
        mark_read,
        find_muted,
        mute_kind,
        unmute_kind,
        mute_mechanism,
        unmute_mechanism,
    ],
)
