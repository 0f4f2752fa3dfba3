"""Files of packages that clients cache for good: their address contains a digest of their content."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

from litestar import Request, Response

from mechshare.domain.errors import RouteNotFound
from mechshare.entrypoints.http.protocol.entity_tags import etag_of, is_not_modified
from mechshare.entrypoints.http.protocol.responses import PUBLIC

IMMUTABLE = "public, max-age=31536000, immutable"
"""RFC 8246: for the year that is the conventional maximum, clients do not even revalidate."""


@dataclass(frozen=True, slots=True)
class StaticFolder:
    """The files of a folder in a package, by name and with their media types. Each is read once in a process."""

    package: str
    folder: str
    types: Mapping[str, str]

    def immutable_name(self, name: str) -> str:
        """Returns `name` with a digest of the file: `page.0123456789abcdef.css`."""
        stem, _, suffix = name.rpartition(".")
        return f"{stem}.{_digest(self.package, self.folder, name)}.{suffix}"

    def respond(self, request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        """Returns the file under its plain or its immutable name, or 304. Raises RouteNotFound."""
        for plain, content_type in self.types.items():
            if name in (plain, self.immutable_name(plain)):
                lifetime = PUBLIC if name == plain else IMMUTABLE
                return file_response(
                    request, read_once(self.package, self.folder, plain), content_type, lifetime
                )
        raise RouteNotFound()


@cache
def read_once(package: str, folder: str, name: str) -> bytes:
    """Returns the content of a file that comes with a package, which does not change while the process runs."""
    return (files(package) / folder / name).read_bytes()


@cache
def _digest(package: str, folder: str, name: str) -> str:
    return blake2b(read_once(package, folder, name), digest_size=8).hexdigest()


def file_response(
    request: Request[Any, Any, Any], content: bytes, content_type: str, cache_control: str = PUBLIC
) -> Response[bytes]:
    """Returns `content` with its ETag, or 304 if If-None-Match of the request matches it."""
    etag = etag_of(content)
    headers = {"ETag": etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    if is_not_modified(request.headers, etag):
        return Response(content=b"", status_code=304, headers=headers, media_type=content_type)
    return Response(content, media_type=content_type, headers=headers)
