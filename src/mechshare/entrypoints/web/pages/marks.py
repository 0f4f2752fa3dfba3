"""Likes and bookmarks: the buttons on a mechanism's page, and the list of one's bookmarks."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.marks import MarkKind
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.forms import form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]
_CONDITIONS = "bookmarks"


@post("/m/{mechanism_id:str}/marks/{kind:str}", status_code=200, guards=[require_permissions()])
async def change_mark(request: Req, mechanism_id: FromPath[str], kind: FromPath[MarkKind]) -> Response[Any]:
    """Adds the mark, or removes it if the field `do` says so."""
    fields, marks = await form_fields(request), application_of(request).marks
    known = mechanism_id_in(mechanism_id)
    if fields.text("do") == "remove":
        await marks.remove(actor_of(request), known, kind)
    else:
        await marks.add(actor_of(request), known, kind)
    return see_other(f"/m/{known}")


@get("/my/bookmarks", guards=[require_permissions()])
async def show_bookmarks(request: Req, cursor: Cursor = None) -> Response[str]:
    application = application_of(request)
    requested = page_request(None, None, cursor, conditions=_CONDITIONS)
    found = await application.marks.find_bookmarked(actor_of(request), requested)
    addresses = media_addresses(application)
    return await page(
        request,
        "bookmarks.html",
        cards=[card(item, addresses) for item in found.items],
        more=next_query(found, conditions=_CONDITIONS),
    )


router = Router("/", route_handlers=[change_mark, show_bookmarks])
