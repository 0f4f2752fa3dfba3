"""The page of one mechanism."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, is_id
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]


@get("/m/{mechanism_id:str}")
async def show_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[str]:
    if not is_id(mechanism_id):
        raise MechanismNotFound()
    application = application_of(request)
    viewer = await viewer_of(request)
    item = await application.mechanisms.get_mechanism(viewer, MechanismId(mechanism_id))
    return await page(request, "watch.html", shown=card(item, media_addresses(application)))


router = Router("/", route_handlers=[show_mechanism])
