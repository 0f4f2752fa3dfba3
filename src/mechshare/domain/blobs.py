"""Stored files: how they are named, and what is told of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.ids import MechanismId

_KEY = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*(?:/[a-z0-9]+(?:[-_.][a-z0-9]+)*)*\Z")
_DERIVATIVE = re.compile(r"media/[^/]+/[0-9]+-([0-9a-f]{32})\.[a-z0-9]+")
_MAX_KEY_LENGTH = 200
_SCHEME = "blob:"

CONTENT_TYPES: Mapping[str, str] = {
    "gif": "image/gif",
    "apng": "image/apng",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
}
"""The types that stored files are served as, by the extension of their key."""
ANY_CONTENT_TYPE = "application/octet-stream"
"""The type of every other file: a plain download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobFacts:
    """What is known of a stored file. `size` in bytes; `sha256` in lower-case hexadecimal digits."""

    key: str
    size: int
    sha256: str


class OwnerKind(StrEnum):
    """What stored files belong to."""

    MECHANISM = "mechanism"


class BlobRole(StrEnum):
    """What a stored file is to its owner."""

    ORIGINAL = "original"
    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    PREVIEW = "preview"


DERIVATIVES = frozenset(BlobRole) - {BlobRole.ORIGINAL}
"""The roles of what is made from an original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobReference:
    """A stored file belongs to the installation exactly while there is a reference to its key.

    `size` in bytes and `sha256` in lower-case hexadecimal digits are None until the file has been measured.
    """

    key: str
    owner_kind: OwnerKind
    owner_id: str
    role: BlobRole
    size: int | None
    sha256: str | None
    created_at: datetime


def is_blob_key(text: str) -> bool:
    """Whether `text` names a blob: lower-case words, `-`, `_`, `.` between them, `/` between parts; so never `..`."""
    return len(text) <= _MAX_KEY_LENGTH and _KEY.match(text) is not None


def original_key(upload_id: str, extension: str) -> str:
    """Where a file is kept as it was sent."""
    return f"originals/{upload_id}.{extension}"


def derivative_key(mechanism_id: MechanismId, fence: int, sha256: str, extension: str) -> str:
    """Where something made from the original is kept.

    The name holds the attempt that made it and its content, so that no two attempts and no two contents share one.
    """
    return f"{derivative_prefix(mechanism_id)}{fence}-{sha256[:32]}.{extension}"


def digest_prefix(key: str) -> str:
    """The first digits of the SHA-256 of the content, which a derivative's key tells; none for any other key."""
    match = _DERIVATIVE.fullmatch(key)
    return match[1] if match else ""


def derivative_prefix(mechanism_id: MechanismId) -> str:
    return f"media/{mechanism_id}/"


def mechanism_of(key: str) -> MechanismId | None:
    """The mechanism that a derivative's key was made for, by its name alone; None for any other key."""
    parts = key.split("/")
    return MechanismId(parts[1]) if len(parts) == 3 and parts[0] == "media" else None


def blob_url(key: str) -> str:
    """A stored file as a URL, in the form in which the domain keeps it; it means nothing outside."""
    return _SCHEME + key


def blob_key(url: str) -> str | None:
    """The key in a URL made by `blob_url`; None for media that is hosted elsewhere."""
    return url.removeprefix(_SCHEME) if url.startswith(_SCHEME) else None


def content_type_of(key: str) -> str:
    """The type that the file under `key` is served as."""
    return CONTENT_TYPES.get(key.rpartition(".")[2], ANY_CONTENT_TYPE)
