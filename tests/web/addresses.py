"""The addresses of all pages, read from the routes: a new page is tested as soon as it exists."""

import re

from mechshare.entrypoints.web.paths import is_page
from mechshare.entrypoints.web.site import site_router


def page_paths(**values: str) -> list[str]:
    """Returns the paths of all pages, with `values` in the places of their parameters."""
    templates = (
        re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", route.path)
        for route in site_router.routes
        if is_page(route.path) and "GET" in getattr(route, "methods", ())
    )
    return sorted(template.format(**values) for template in templates)
