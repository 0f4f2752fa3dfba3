"""The address of the site, as its visitors see it."""

from typing import Any

from litestar import Request

from mechshare.entrypoints.http.protocol.auth import application_of


def site_url(request: Request[Any, Any, Any]) -> str:
    """Returns the address of the site without a trailing slash."""
    public_url = application_of(request).settings.public_url
    return public_url or f"{request.scope['scheme']}://{request.headers.get('host', '')}"
