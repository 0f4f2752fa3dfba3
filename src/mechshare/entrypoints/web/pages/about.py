"""What mechshare is, help, and the files for search engines."""

from datetime import datetime
from importlib.metadata import version
from typing import Any
from xml.sax.saxutils import escape

from litestar import MediaType, Request, Response, Router, get

from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import Page, PageRequest
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.responses import PUBLIC, json_response
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.web.paths import base_path
from mechshare.entrypoints.web.rendering import STATIC, page

Req = Request[Any, Any, Any]
PAGE_SIZE = 500
MAX_SITEMAP_PAGES = 10
"""Pages of mechanisms in the sitemap: the 5,000 that were published last. The protocol allows 50,000; each request
reads all of them."""
_ROBOTS_CACHE = "public, max-age=3600"
"""It names no mechanism, so nothing in it can become private meanwhile."""
_NOT_FOR_ROBOTS = (
    "/api/",
    "/admin",
    "/moderation",
    "/my",
    "/reports",
    "/settings",
    "/upload",
    "/sign-in",
    "/register",
)


@get("/about")
async def show_about(request: Req) -> Response[str]:
    return await page(request, "about.html", version=version("mechshare"))


@get("/help/keyboard")
async def show_keyboard(request: Req) -> Response[str]:
    return await page(request, "keyboard.html")


@get("/help/api")
async def show_api(request: Req) -> Response[str]:
    return await page(request, "api.html")


@get("/robots.txt")
async def get_robots(request: Req) -> Response[str]:
    """Returns which pages robots may read (RFC 9309). Media below /api stay allowed: previews of pages show them."""
    settings = application_of(request).settings
    base = base_path(settings.public_url)
    if settings.anonymous == "none":
        nothing = f"User-agent: *\nDisallow: {base}/\n"
        return Response(nothing, media_type=MediaType.TEXT, headers={"Cache-Control": _ROBOTS_CACHE})
    lines = [
        "User-agent: *",
        f"Allow: {base}/api/v1/media/",
        *(f"Disallow: {base}{path}" for path in _NOT_FOR_ROBOTS),
        "",
        f"Sitemap: {site_url(request)}/sitemap.xml",
        "",
    ]
    return Response("\n".join(lines), media_type=MediaType.TEXT, headers={"Cache-Control": _ROBOTS_CACHE})


@get("/sitemap.xml")
async def get_sitemap(request: Req) -> Response[Any]:
    """Returns the addresses of the public mechanisms that were published last (sitemaps.org, protocol 0.9)."""
    site, mechanisms = escape(site_url(request)), application_of(request).mechanisms
    addresses = [_address(f"{site}/"), _address(f"{site}/about")]
    requested: PageRequest | None = PageRequest(limit=PAGE_SIZE)
    for _ in range(MAX_SITEMAP_PAGES):
        if requested is None:
            break
        found = await mechanisms.find_all(None, requested, sort=MechanismSort.RECENTLY_PUBLISHED)
        addresses += [
            _address(f"{site}/m/{item.mechanism.id}", item.mechanism.updated_at) for item in found.items
        ]
        requested = _after(found)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n' + "".join(addresses) + "</urlset>\n"
    )
    encoded = body.encode()
    return json_response(request, encoded, etag=etag_of(encoded), cache=PUBLIC, media_type="application/xml")


@get("/favicon.ico")
async def get_favicon(request: Req) -> Response[bytes]:
    """Returns the icon as SVG for browsers that look here without having read a page."""
    return STATIC.respond(request, "favicon.svg")


def _address(url: str, changed_at: datetime | None = None) -> str:
    changed = f"<lastmod>{changed_at:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed_at else ""
    return f"<url><loc>{url}</loc>{changed}</url>\n"


def _after(found: Page[Any]) -> PageRequest | None:
    if found.next is None:
        return None
    return PageRequest(page=found.page + 1, limit=PAGE_SIZE, after=found.next, counted=found.counted)


router = Router(
    "/", route_handlers=[show_about, show_keyboard, show_api, get_robots, get_sitemap, get_favicon]
)
