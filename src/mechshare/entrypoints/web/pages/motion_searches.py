"""Finding mechanisms by the motion of a clip that is not kept."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.new_motion_searches import search_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits_of_user,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.identifiers import motion_search_id_in
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.forms import see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.rendering import form_page, page
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
_SHOWN = 24
"""How many mechanisms the page shows."""


@get("/by-motion", guards=[require_permissions("mechanisms:create")])
async def show_form(request: Req) -> Response[str]:
    return await page(request, "by_motion.html", max_bytes=application_of(request).uploads.max_bytes)


@post(
    "/by-motion",
    guards=[require_permissions("mechanisms:create")],
    before_request=limits_of_user(CostlyOperation.UPLOADS),
    request_max_body_size=None,
    status_code=200,
)
async def search_by_motion(request: Req) -> Response[Any]:
    """Begins a search by the clip `file`, and leads to what it finds."""
    try:
        search = await search_from_form(request)
    except DomainException as error:
        max_bytes = application_of(request).uploads.max_bytes
        return await form_page(request, "by_motion.html", error, max_bytes=max_bytes)
    return see_other(f"/by-motion/{search.id}")


@get("/by-motion/{search_id:str}", guards=[require_permissions()])
async def show_found(request: Req, search_id: FromPath[str]) -> Response[str]:
    """Shows what the search found; until its clip is analysed, the browser asks again every two seconds."""
    application = application_of(request)
    found = await application.motion_searches.find(actor_of(request), motion_search_id_in(search_id), _SHOWN)
    addresses, processing = media_addresses(application), found.search.processing
    failure = processing.failure.message(language_of(request)) if processing.failure else ""
    return await page(
        request,
        "found_by_motion.html",
        state=processing.state.value,
        failure=failure,
        motion=found.search.motion,
        cards=[card(one.item, addresses) for one in found.similar],
    )


router = Router("/", route_handlers=[show_form, search_by_motion, show_found])
