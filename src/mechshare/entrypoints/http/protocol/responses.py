"""Cacheable responses: ETag, Cache-Control, Vary, and 304."""

from typing import Any, Protocol

import msgspec
from litestar import MediaType, Request, Response

from mechshare.entrypoints.http.protocol.entity_tags import etag_of, is_not_modified
from mechshare.services.response_cache import CachedResponse, ResponseKey

PUBLIC = "public, no-cache"
"""Any cache may store the response, and must revalidate it by its ETag before each use."""
PRIVATE = "private, no-cache"
VARY = "Authorization, Accept-Encoding"
NO_STORE = "no-store"
"""For degraded responses: a repeated request soon gets a better one."""
RESPONSE_KEY = "mechshare.response_key"
"""The key in the request's state of a PublicKey, which is set if every caller without a token gets this response."""


class PublicKey(Protocol):
    """What a public response contains, which decides where it is cached."""

    @property
    def response_key(self) -> ResponseKey: ...


def encoded_response(
    body: bytes,
    *,
    version: int | None = None,
    link: str = "",
    is_cacheable: bool = True,
    is_shared: bool = True,
) -> CachedResponse:
    """Returns `body` and its ETag as a response for every caller; `version` is that of the resource, if it has one."""
    return CachedResponse(etag_of(body, version).encode(), link.encode(), body, is_cacheable, is_shared)


def public_response(
    request: Request[Any, Any, Any], cached: CachedResponse, key: PublicKey | None = None
) -> Response[Any]:
    """Returns the response `cached`. With `key`, ResponseCacheMiddleware serves later requests
    for this address that come without a token."""
    if key is not None:
        request.scope["state"][RESPONSE_KEY] = key
    headers = {"Link": cached.link.decode()} if cached.link else None
    cache = PUBLIC if cached.is_cacheable else NO_STORE
    return json_response(request, cached.body, etag=cached.etag.decode(), cache=cache, headers=headers)


def json_response(
    request: Request[Any, Any, Any],
    body: bytes,
    *,
    etag: str,
    cache: str = PRIVATE,
    status: int = 200,
    headers: dict[str, str] | None = None,
    media_type: str = MediaType.JSON,
) -> Response[Any]:
    """Returns `body` as JSON, or 304 if the status is 200 and If-None-Match matches `etag` (RFC 9110, 13.1.2)."""
    all_headers = {"ETag": etag, "Cache-Control": cache, "Vary": VARY, **(headers or {})}
    if status == 200 and is_not_modified(request.headers, etag):
        return Response(content=b"", status_code=304, headers=all_headers, media_type=media_type)
    return Response(content=body, status_code=status, headers=all_headers, media_type=media_type)


def resource(
    request: Request[Any, Any, Any],
    content: object,
    *,
    version: int | None = None,
    status: int = 200,
    cache: str = PRIVATE,
    headers: dict[str, str] | None = None,
    media_type: str = MediaType.JSON,
) -> Response[Any]:
    """Returns `content` as JSON, with the ETag of its encoding."""
    body = msgspec.json.encode(content)
    return json_response(
        request,
        body,
        etag=etag_of(body, version),
        cache=cache,
        status=status,
        headers=headers,
        media_type=media_type,
    )


def no_content() -> Response[None]:
    """Returns a 204."""
    return Response(content=None, status_code=204, headers={"Cache-Control": "no-store"})
