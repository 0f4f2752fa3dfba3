"""Players on other sites: the page inside their frame, and oEmbed (https://oembed.com), by which sites find it."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import MediaType, Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from mechshare.domain.errors import MechanismNotFound
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.responses import PUBLIC, resource
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.protocol.visits import note_view
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import Card, card, external_host
from mechshare.entrypoints.web.previews import LinkPreview, link_preview
from mechshare.entrypoints.web.rendering import hide_referrer, page

Req = Request[Any, Any, Any]
_MAX_ADDRESS = 2_000
_CACHE_AGE = 60
"""Seconds for which another site may keep a description: so long it may show a title that is private by now."""
_Pixels = Annotated[int | None, QueryParameter(ge=1, le=100_000)]


@get("/embed/{mechanism_id:str}")
async def show_embedded(request: Req, mechanism_id: FromPath[str]) -> Response[str]:
    """Shows a public mechanism in a frame of any site; what else there is says that it is not available."""
    try:
        shown = await _public(request, mechanism_id)
    except MechanismNotFound:
        return await page(
            request, "embed.html", status=404, is_embeddable=True, shown=None, external_host=None
        )
    note_view(request, None, shown.mechanism.id)
    host = external_host(shown.mechanism)
    shown_page = await page(request, "embed.html", is_embeddable=True, shown=shown, external_host=host)
    return hide_referrer(shown_page, has_forms=False) if host else shown_page


@get("/oembed")
async def describe_embedding(
    request: Req,
    url: Annotated[str, QueryParameter(name="url", max_length=_MAX_ADDRESS)] = "",
    format_name: Annotated[str, QueryParameter(name="format", max_length=20)] = "json",
    maxwidth: _Pixels = None,
    maxheight: _Pixels = None,
) -> Response[Any]:
    """Returns how other sites show the page at `url` (oEmbed 1.0). Raises MechanismNotFound for any other address."""
    if format_name != "json":
        text = f"The format {format_name} is not implemented. Use format=json.\n"
        return Response(text, status_code=HTTPStatus.NOT_IMPLEMENTED, media_type=MediaType.TEXT)
    preview = link_preview(request, await _public(request, _mechanism_at(url, site_url(request))))
    if preview is None:
        raise MechanismNotFound()
    return resource(request, _description(preview, site_url(request), maxwidth, maxheight), cache=PUBLIC)


def _description(
    preview: LinkPreview, site: str, max_width: int | None, max_height: int | None
) -> dict[str, Any]:
    size = preview.embed_size(max_width, max_height)
    return {
        "version": "1.0",
        "type": "video" if preview.video_url else "rich",
        "title": preview.title,
        "author_name": preview.author_name,
        "author_url": preview.author_url,
        "provider_name": "mechshare",
        "provider_url": f"{site}/",
        "cache_age": _CACHE_AGE,
        "html": str(preview.embed_code(size)),
        "width": size[0],
        "height": size[1],
    }


async def _public(request: Req, mechanism_id: str) -> Card:
    """Returns a mechanism that everybody may see and play. Raises MechanismNotFound."""
    application = application_of(request)
    item = await application.mechanisms.get_mechanism(None, mechanism_id_in(mechanism_id))
    return card(item, media_addresses(application))


def _mechanism_at(address: str, site: str) -> str:
    """Returns the id in the address of a watch page or embedded player of this site; empty for other addresses."""
    try:
        wanted, here = urlsplit(address), urlsplit(site)
    except ValueError:
        return ""
    if wanted.scheme not in ("http", "https") or wanted.netloc.lower() != here.netloc.lower():
        return ""
    for prefix in ("/m/", "/embed/"):
        if wanted.path.startswith(here.path + prefix):
            return wanted.path.removeprefix(here.path + prefix).removesuffix("/")
    return ""


router = Router("/", route_handlers=[show_embedded, describe_embedding])
