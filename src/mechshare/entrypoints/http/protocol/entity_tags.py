"""Entity tags and conditional requests (RFC 9110, 8.8.3 and 13).

A proxy that compresses a response changes its tag: nginx makes it weak (`W/"..."`), Apache adds a suffix
(`"...-gzip"`). Both still name the same version, so conditions ignore both changes.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest, StaleVersion, VersionRequired

_LISTED = re.compile(r'[ \t]*(?:(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|\Z)')
"""One element of a list of entity tags; elements may be empty (RFC 9110, 5.6.1)."""
_VERSIONED = re.compile(r"(\d{1,18})-[0-9a-f]{16}(?![0-9A-Za-z])")


def etag_of(body: bytes, version: int | None = None) -> str:
    """Returns a strong entity tag: the digest of `body`, prefixed with `version` if given."""
    digest = blake2b(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def renewed_etag(etag: bytes, body: bytes) -> bytes:
    """Returns the entity tag of `body`, with the version that `etag` contains."""
    return etag_of(body, int(etag.strip(b'"').partition(b"-")[0])).encode()


def expected_versions(request: Request[Any, Any, Any]) -> frozenset[int] | None:
    """Returns the versions that If-Match names; None for `*`.

    Raises VersionRequired if the field is missing, MalformedRequest, and StaleVersion if no tag contains a version.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise VersionRequired()
    if header.strip() == "*":
        return None
    tags = _listed(header)
    if not tags:
        raise MalformedRequest(
            problem="see details.",
            details=[("If-Match", "must be an ETag as it was received, a list of them, or *.")],
        )
    versions = frozenset(int(matched[1]) for tag in tags if (matched := _VERSIONED.match(tag)))
    if not versions:
        raise StaleVersion()
    return versions


def is_not_modified(headers: Mapping[str, str], etag: str, modified_at: datetime | None = None) -> bool:
    """Whether If-None-Match among the `headers` of a request matches `etag`; without that field, whether
    If-Modified-Since is no earlier than `modified_at` (RFC 9110, 13.2.2)."""
    header = headers.get("if-none-match")
    if header is not None:
        return matches_etag(header, etag)
    since = _date(headers.get("if-modified-since", "")) if modified_at else None
    return bool(modified_at and since and modified_at.replace(microsecond=0) <= since)


def _date(header: str) -> datetime | None:
    """Returns the time of a date field; None if it is no date, which counts as no field (RFC 9110, 13.1.3)."""
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def matches_etag(header: str, etag: str) -> bool:
    """Whether an If-None-Match field matches `etag`: exactly, weakly, with a suffix, or by `*`."""
    if header == etag or header.strip() == "*":
        return True
    opaque = etag.strip('"')
    return any(tag.startswith(opaque) and not tag[len(opaque) :][:1].isalnum() for tag in _listed(header))


def _listed(header: str) -> list[str]:
    """Returns the opaque part of each entity tag in a list; empty if `header` is malformed."""
    tags, end = [], 0
    while end < len(header):
        matched = _LISTED.match(header, end)
        if matched is None:
            return []
        if matched[1] is not None:
            tags.append(matched[1])
        end = matched.end()
    return tags
