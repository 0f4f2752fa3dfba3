"""The addresses of all pages, read from the routes: a new page is tested as soon as it exists."""

import re

from mechshare.entrypoints.web.paths import is_page
from mechshare.entrypoints.web.site import site_router

_PARTS = ("/cards", "/language/")
"""Addresses without a page of their own: more of a list, and a redirect."""


def page_paths(**values: str) -> list[str]:
    """Returns the paths of all pages, with `values` in the places of their parameters."""
    templates = (
        re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", route.path)
        for route in site_router.routes
        if "GET" in getattr(route, "methods", ()) and is_whole_page(route.path)
    )
    return sorted(template.format(**values) for template in templates)


def is_whole_page(path: str) -> bool:
    """Whether the response is a page, not a file such as robots.txt or a part of a page."""
    return is_page(path) and not path.startswith(_PARTS) and "." not in path
