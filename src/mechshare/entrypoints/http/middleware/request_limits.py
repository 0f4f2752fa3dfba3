"""Limits the length of the URI and of the header fields of a request."""

from collections.abc import Awaitable

from litestar.types import HTTPScope, Receive, Send

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.protocol.errors import HeadersTooLarge, UriTooLong, send_refusal
from mechshare.entrypoints.http.protocol.layers import HttpApp

MAX_URI_BYTES = 8 * 1024
"""Path and query together. RFC 9110, 4.1 recommends at least 8,000; the longest URI that the API returns has 3,000."""
MAX_HEADER_BYTES = 16 * 1024


class RequestLimitsMiddleware:
    """Refuses requests above the limits (414, 431) before any other layer parses them.

    Inner layers that parse URIs and header fields in linear time need no limits of their own.
    """

    def __init__(self, app: HttpApp) -> None:
        self._app = app

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if (refusal := _refusal(scope)) is None:
            return self._app(scope, receive, send)
        scope["headers"] = []
        return send_refusal(refusal, scope, receive, send)


def _refusal(scope: HTTPScope) -> DomainException | None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URI_BYTES:
        return UriTooLong(limit=MAX_URI_BYTES)
    size = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value)
    return HeadersTooLarge(limit=MAX_HEADER_BYTES) if size > MAX_HEADER_BYTES else None
