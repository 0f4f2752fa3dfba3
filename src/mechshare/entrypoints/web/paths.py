"""Which requests are for pages, and how pages link to each other."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.types import HTTPScope

_NOT_PAGES = (
    "/api/",
    "/schema",
    "/health",
    "/static/",
    "/oembed",
    "/cards",
    "/robots.txt",
    "/sitemap.xml",
    "/favicon.ico",
)
_FEEDS = ("/feed.atom", "/feed.json")
_FILES = ("/static/", "/schema")


def is_file(path: str) -> bool:
    """Whether the response never depends on the session."""
    return path.startswith(_FILES)


def is_page(path: str) -> bool:
    """Whether people open the address in a browser."""
    return not path.startswith(_NOT_PAGES) and not path.endswith(_FEEDS)


def base_path(public_url: str) -> str:
    """Returns the path below which browsers find the site, without a trailing slash; empty for the root."""
    return urlsplit(public_url).path


def local_path(path: str) -> str:
    """Returns `path` if it is a path of this site, else `/`: a link must not lead a signed-in person elsewhere."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isprintable() and "\\" not in path else "/"


def peek(scope: HTTPScope) -> Request[Any, Any, Any]:
    """Returns the request for a middleware that changes its header fields: the framework remembers none of them yet."""
    return Request({**scope, "state": dict(scope["state"])})
