"""The gallery, and the static files of Swagger UI."""

from importlib.resources import files

from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from mechshare.domain.errors import RouteNotFound
from mechshare.entrypoints.http.protocol.openapi import ASSETS

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_GALLERY_POLICY = "default-src 'self'; img-src 'self' https:; media-src 'self' https:; frame-ancestors 'none'"


@get("/", include_in_schema=False, media_type=MediaType.HTML)
async def get_gallery() -> Response[bytes]:
    return _page("gallery.html", "text/html")


@get("/gallery/{name:str}", include_in_schema=False)
async def get_gallery_part(name: FromPath[str]) -> Response[bytes]:
    types = {"gallery.js": "text/javascript", "gallery.css": "text/css", "favicon.svg": "image/svg+xml"}
    if name not in types:
        raise RouteNotFound()
    return _page(name, types[name])


@get(ASSETS + "/{name:str}", include_in_schema=False)
async def get_asset(name: FromPath[str]) -> Response[bytes]:
    if name not in _ASSETS:
        raise RouteNotFound()
    content = (files("swagger_ui") / "static" / name).read_bytes()
    return Response(content, media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


def _page(name: str, content_type: str) -> Response[bytes]:
    content = (files("mechshare.entrypoints.http") / "gallery" / name).read_bytes()
    headers = {"Content-Security-Policy": _GALLERY_POLICY, "Cache-Control": "no-cache"}
    return Response(content, media_type=content_type, headers=headers)


router = Router("/", route_handlers=[get_gallery, get_gallery_part, get_asset])
