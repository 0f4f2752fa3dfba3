"""Answers that can be cached, compared and changed safely: ETag, If-None-Match, If-Match."""

import re
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from litestar import MediaType, Request, Response

from mechshare.domain.errors import MalformedRequest, StaleVersion, VersionRequired

PUBLIC = "public, no-cache"
"""May be kept by anyone, and must be checked by its ETag before each use."""
PRIVATE = "private, no-cache"
CACHED_FOR = timedelta(hours=1)
"""How long an encoded answer is kept here at most; every change of what it tells drops it at once."""
VARY = "Authorization"
UNKEPT = "no-store"
"""What will be told better in a moment: nobody keeps it."""
_VERSION = re.compile(r'"(\d{1,18})-[0-9a-f]{16}"\Z')
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"\Z')


def etag_of(body: bytes, version: int | None = None) -> str:
    """A strong ETag: what the body is, led by the resource's version where it has one."""
    digest = blake2b(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def cached_entry(body: bytes, *, version: int | None = None, cursor: str | None = None) -> bytes:
    """What the cache keeps of an answer; `cursor` leads to the list's next page."""
    return b"\n".join((etag_of(body, version).encode(), (cursor or "").encode(), body))


def answer(
    request: Request[Any, Any, Any],
    body: bytes,
    *,
    etag: str,
    cache: str = PRIVATE,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """`body` as JSON; 304 without it when a reader holds this very one already (RFC 9110, 13.1.2)."""
    told = {"ETag": etag, "Cache-Control": cache, "Vary": VARY, **(headers or {})}
    if status == 200 and is_held(request, etag):
        return Response(content=None, status_code=304, headers=told, media_type=MediaType.JSON)
    return Response(content=body, status_code=status, headers=told, media_type=MediaType.JSON)


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
    return answer(request, body, etag=etag_of(body, version), cache=cache, status=status, headers=headers)


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


def is_held(request: Request[Any, Any, Any], etag: str) -> bool:
    """Whether the reader holds what `etag` stands for (If-None-Match)."""
    header = request.headers.get("if-none-match")
    return header is not None and is_held_by(header, etag)


def is_held_by(header: str, etag: str) -> bool:
    """The same, told from the field's value."""
    if header.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in header.split(","))
