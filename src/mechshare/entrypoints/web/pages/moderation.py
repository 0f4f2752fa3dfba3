"""Moderation: withdrawing mechanisms for a reason, and reinstating them."""

import re
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.errors import DomainException
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.forms import Saved, form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import form_page, page

Req = Request[Any, Any, Any]
MODERATORS = [require_permissions(Permission.WITHDRAW_ANY_MECHANISM)]
Find = Annotated[str, QueryParameter(name="find", max_length=500)]
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@get("/moderation", guards=MODERATORS)
async def show_moderation(request: Req, find: Find = "", cursor: Cursor = None) -> Response[Any]:
    """Shows the public mechanisms, what was published last first; an address or id in `find` leads to one."""
    if found := _ID.search(find.lower()):
        return see_other(f"/moderation/{found.group()}")
    application = application_of(request)
    sort = MechanismSort.RECENTLY_PUBLISHED
    requested = page_request(None, None, cursor, sort.order)
    newest = await application.mechanisms.find_all(None, requested, sort=sort)
    addresses = media_addresses(application)
    return await page(
        request,
        "moderation.html",
        cards=[card(item, addresses) for item in newest.items],
        more=next_query(newest, order=sort.order),
        find=find,
    )


@get("/moderation/{mechanism_id:str}", guards=MODERATORS)
async def show_case(request: Req, mechanism_id: FromPath[str], saved: Saved = "") -> Response[str]:
    item = await _find(request, mechanism_id)
    return await page(request, "moderation_case.html", saved=saved, **_case(request, item))


@post("/moderation/{mechanism_id:str}/withdraw", status_code=200, guards=MODERATORS)
async def withdraw(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    item, fields = await _find(request, mechanism_id), await form_fields(request)
    reason = fields.text("reason")
    try:
        await application_of(request).mechanisms.withdraw(
            actor_of(request), item.mechanism.id, request_metadata_of(request), reason=reason
        )
    except DomainException as error:
        return await form_page(
            request, "moderation_case.html", error, saved="", **_case(request, item, reason)
        )
    return see_other(f"/moderation/{mechanism_id}?saved=withdrawn")


@post("/moderation/{mechanism_id:str}/reinstate", status_code=200, guards=MODERATORS)
async def reinstate(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    item, _ = await _find(request, mechanism_id), await form_fields(request)
    try:
        await application_of(request).mechanisms.publish(
            actor_of(request), item.mechanism.id, request_metadata=request_metadata_of(request)
        )
    except DomainException as error:
        return await form_page(request, "moderation_case.html", error, saved="", **_case(request, item))
    return see_other(f"/moderation/{mechanism_id}?saved=reinstated")


async def _find(request: Req, mechanism_id: str) -> AuthoredMechanism:
    """Returns the mechanism. Raises MechanismNotFound, also for one that its owner never made public."""
    mechanisms = application_of(request).mechanisms
    found = await mechanisms.get_mechanism(actor_of(request), mechanism_id_in(mechanism_id))
    await note_draft_read(request, actor_of(request), found.mechanism)
    return found


def _case(request: Req, item: AuthoredMechanism, reason: str = "") -> dict[str, Any]:
    shown = card(item, media_addresses(application_of(request)))
    is_own = item.mechanism.is_owned_by(actor_of(request).id)
    return {"shown": shown, "author": item.author, "reason": reason, "is_own": is_own}


router = Router("/", route_handlers=[show_moderation, show_case, withdraw, reinstate])
