"""Administration of the audit log: who did what, and when."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from mechshare.domain.audit import AuditAction, AuditEntry, AuditFilter
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]
_NOBODY = UserId("00000000-0000-0000-0000-ffffffffffff")
_Text = Annotated[str, QueryParameter(max_length=254)]


@get("/admin/audit", guards=[require_permissions(Permission.READ_AUDIT_LOG)])
async def show_audit_log(
    request: Req,
    action: _Text = "",
    actor: _Text = "",
    subject: _Text = "",
    day: _Text = "",
    cursor: Cursor = None,
) -> Response[str]:
    """Shows the entries of an action, an actor (user name, e-mail address or id) and a subject, until the end of a day
    (UTC)."""
    filters = {"action": action, "actor": actor.strip(), "subject": subject.strip(), "day": day.strip()}
    typed = [(name, value) for name, value in filters.items() if value]
    requested = page_request(None, None, cursor, conditions=repr(typed))
    audit = application_of(request).audit
    found = await audit.find_all(actor_of(request), requested, await _conditions(request, filters))
    return await page(
        request,
        "admin_audit.html",
        entries=found.items,
        names=await _names(request, found.items),
        actions=[one.value for one in AuditAction],
        filters=filters,
        more=next_query(found, typed, conditions=repr(typed)),
    )


async def _conditions(request: Req, filters: dict[str, str]) -> AuditFilter:
    """Returns the conditions in the form; fields with an invalid value set none."""
    action = filters["action"]
    return AuditFilter(
        action=AuditAction(action) if action in set(AuditAction) else None,
        actor_id=await _user_id(request, filters["actor"]) if filters["actor"] else None,
        subject=filters["subject"],
        until=_end_of(filters["day"]),
    )


async def _user_id(request: Req, name: str) -> UserId:
    if is_id(name):
        return UserId(name)
    try:
        return (await application_of(request).users.find_by_login(name)).id
    except UserNotFound:
        return _NOBODY


async def _names(request: Req, entries: tuple[AuditEntry, ...]) -> dict[str, str]:
    """Returns the user names of the actors that exist, by id."""
    names = {}
    for user_id in {entry.actor_id for entry in entries if entry.actor_id}:
        try:
            names[str(user_id)] = (await application_of(request).users.get_user(user_id)).username
        except UserNotFound:
            continue  # deleted since, or the command line
    return names


def _end_of(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), datetime.max.time(), UTC)
    except ValueError:
        return None


router = Router("/", route_handlers=[show_audit_log])
