"""The gallery, and the static files of Swagger UI."""

from functools import cache
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.params import FromPath

from mechshare.entrypoints.http.protocol.openapi import ASSETS, SWAGGER_UI
from mechshare.entrypoints.http.protocol.static_files import StaticFolder, file_response, read_once

Req = Request[Any, Any, Any]
_PACKAGE = "mechshare.entrypoints.http"
_PARTS = StaticFolder(
    _PACKAGE,
    "gallery",
    {"gallery.js": "text/javascript", "gallery.css": "text/css", "favicon.svg": "image/svg+xml"},
)
_POLICY = "default-src 'self'; img-src 'self' https:; media-src 'self' https:; frame-ancestors 'none'"


@get("/", include_in_schema=False, media_type=MediaType.HTML)
async def get_gallery(request: Req) -> Response[bytes]:
    page = file_response(request, _page(), "text/html")
    page.headers["Content-Security-Policy"] = _POLICY
    return page


@get("/gallery/{name:str}", include_in_schema=False)
async def get_gallery_part(request: Req, name: FromPath[str]) -> Response[bytes]:
    return _PARTS.respond(request, name)


@get(ASSETS + "/{name:str}", include_in_schema=False)
async def get_asset(request: Req, name: FromPath[str]) -> Response[bytes]:
    return SWAGGER_UI.respond(request, name)


@cache
def _page() -> bytes:
    """Returns the page, which refers to its parts by their immutable names."""
    page = read_once(_PACKAGE, "gallery", "gallery.html").decode()
    for name in _PARTS.types:
        page = page.replace(f"gallery/{name}", f"gallery/{_PARTS.immutable_name(name)}")
    return page.encode()


router = Router("/", route_handlers=[get_gallery, get_gallery_part, get_asset])
