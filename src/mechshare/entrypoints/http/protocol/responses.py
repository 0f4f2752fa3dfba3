"""Answers that can be cached, compared and changed safely: ETag, If-None-Match, If-Match."""

import re
from hashlib import blake2b
from typing import Any

import msgspec
from litestar import MediaType, Request, Response

from mechshare.domain.errors import MalformedRequest, StaleVersion, VersionRequired
from mechshare.services.response_cache import CachedResponse, ResponseKey

PUBLIC = "public, no-cache"
"""Anyone may store it, and must check it by its ETag before each use."""
PRIVATE = "private, no-cache"
VARY = "Authorization"
NO_STORE = "no-store"
"""For what a repetition will answer better in a moment."""
RESPONSE_KEY = "mechshare.response_key"
"""The item of a request's state that holds the key of its response, if every caller gets that."""
_VERSION = re.compile(r'"(\d{1,18})-[0-9a-f]{16}"\Z')
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"\Z')


def etag_of(body: bytes, version: int | None = None) -> str:
    """A strong ETag: what the body is, led by the resource's version where it has one."""
    digest = blake2b(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def encoded_response(
    body: bytes, *, version: int | None = None, link: str = "", is_cacheable: bool = True
) -> CachedResponse:
    """`body` as every caller gets it; `version` is the resource's, where it has one."""
    return CachedResponse(etag_of(body, version).encode(), link.encode(), body, is_cacheable)


def public_response(
    request: Request[Any, Any, Any], cached: CachedResponse, key: ResponseKey | None = None
) -> Response[Any]:
    """Serves `cached`. With its `key`, ResponseCacheMiddleware serves every caller of this address from the cache."""
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
) -> Response[Any]:
    """`body` as JSON; 304 without it when a reader holds this very one already (RFC 9110, 13.1.2)."""
    all_headers = {"ETag": etag, "Cache-Control": cache, "Vary": VARY, **(headers or {})}
    if status == 200 and is_not_modified(request, etag):
        return Response(content=None, status_code=304, headers=all_headers, media_type=MediaType.JSON)
    return Response(content=body, status_code=status, headers=all_headers, media_type=MediaType.JSON)


def resource(
    request: Request[Any, Any, Any],
    content: object,
    *,
    version: int | None = None,
    status: int = 200,
    cache: str = PRIVATE,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """`content` encoded and answered as above."""
    body = msgspec.json.encode(content)
    return json_response(
        request, body, etag=etag_of(body, version), cache=cache, status=status, headers=headers
    )


def nothing() -> Response[None]:
    """204."""
    return Response(content=None, status_code=204, headers={"Cache-Control": "no-store"})


def expected_version(request: Request[Any, Any, Any]) -> int | None:
    """The version that If-Match names; None for `*`.

    Raises VersionRequired, MalformedRequest, and StaleVersion for an ETag that no version of ours ever had.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise VersionRequired()
    if header.strip() == "*":
        return None
    matched = _VERSION.match(header.strip())
    if matched is None and _ETAG.match(header.strip()):
        raise StaleVersion()
    if matched is None:
        raise MalformedRequest(
            problem="see details.", details=[("If-Match", "must be an ETag as it was received, or *.")]
        )
    return int(matched.group(1))


def is_not_modified(request: Request[Any, Any, Any], etag: str) -> bool:
    """Whether the caller has what `etag` stands for (If-None-Match, RFC 9110, 13.1.2)."""
    header = request.headers.get("if-none-match")
    return header is not None and matches_etag(header, etag)


def matches_etag(header: str, etag: str) -> bool:
    """Whether this If-None-Match field names `etag`."""
    if header.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in header.split(","))
