"""What other sites and chat programs show of a link to a public mechanism."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Request
from markupsafe import Markup

from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.representations.linked_data import linked_data
from mechshare.entrypoints.web.cards import Card

EMBED_WIDTH = 640
EMBED_BAR_HEIGHT = 48
"""px; the bar with the title below the picture of an embedded player."""
_MAX_DESCRIPTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPreview:
    """The facts of a preview. All addresses are absolute; `width` x `height` of the clip or picture in px.

    `linked_data` is the mechanism as JSON-LD. Only clips have a `video_url`.
    """

    title: str
    description: str
    author_name: str
    author_url: str
    page_url: str
    embed_url: str
    oembed_url: str
    linked_data: Mapping[str, Any]
    file_url: str
    video_url: str | None
    image_url: str
    width: int
    height: int
    published_on: str

    def structured_data(self) -> dict[str, Any]:
        """Returns the object of schema.org, which search engines read."""
        return {
            **self.linked_data,
            "description": self.description or self.title,
            "thumbnailUrl": self.image_url,
            "uploadDate": self.published_on,
            "contentUrl": self.file_url,
            "embedUrl": self.embed_url,
            "width": self.width,
            "height": self.height,
        }

    def embed_size(self, max_width: int | None = None, max_height: int | None = None) -> tuple[int, int]:
        """Returns width and height, px, of the embedded player within the given maxima."""
        width = min(EMBED_WIDTH, max_width or EMBED_WIDTH)
        height = round(width * self.height / self.width) + EMBED_BAR_HEIGHT
        if max_height is not None and height > max_height:
            height = max_height
            picture_height = max(1, max_height - EMBED_BAR_HEIGHT)
            width = min(width, max(1, round(picture_height * self.width / self.height)))
        return width, height

    def embed_code(self, size: tuple[int, int] | None = None) -> str:
        """Returns the HTML that shows the player on another site."""
        width, height = size or self.embed_size()
        return Markup(
            '<iframe src="{}" width="{}" height="{}" title="{}" loading="lazy" allow="fullscreen"></iframe>'
        ).format(self.embed_url, width, height, self.title)


def link_preview(request: Request[Any, Any, Any], shown: Card) -> LinkPreview | None:
    """Returns the preview of a mechanism that everybody may see and that is ready; None for others."""
    mechanism, site = shown.mechanism, site_url(request)
    if not mechanism.is_open or shown.file_url is None:
        return None
    page_url = f"{site}{shown.path}"
    return LinkPreview(
        title=mechanism.title,
        description=_short(mechanism.description),
        author_name=shown.author_name,
        author_url=f"{site}/u/{mechanism.user_id}",
        page_url=page_url,
        embed_url=f"{site}/embed/{mechanism.id}",
        oembed_url=f"{site}/oembed?format=json&url={quote(page_url, safe='')}",
        linked_data=linked_data(mechanism, shown.author_name, site),
        file_url=_absolute(site, shown.file_url),
        video_url=_absolute(site, shown.video_url) if shown.video_url else None,
        image_url=_absolute(site, shown.thumbnail_url or mechanism.thumbnail_url or ""),
        width=shown.width,
        height=shown.height,
        published_on=mechanism.new_since.isoformat(),
    )


def _absolute(site: str, address: str) -> str:
    return f"{site}{address}" if address.startswith("/") else address


def _short(text: str) -> str:
    """Returns the text in one line of at most _MAX_DESCRIPTION characters."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_DESCRIPTION else line[: _MAX_DESCRIPTION - 1].rstrip() + "…"
