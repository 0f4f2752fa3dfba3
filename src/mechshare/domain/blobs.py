"""Stored files: their keys, owners and facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId, UserId

PROBE_KEY = "health/probe"
"""The key of a blob that never exists: looking for it shows whether the store responds."""
ORIGINALS = "originals/"
"""What the keys of uploaded files begin with."""
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
    "avif": "image/avif",
    "mkv": "video/x-matroska",
    "avi": "video/vnd.avi",
    "ts": "video/mp2t",
    "wmv": "video/x-ms-wmv",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tiff": "image/tiff",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The content types of stored files, by the extension of their key."""
ANY_EXTENSION = "bin"
"""The extension of the keys of files whose format does not matter."""
ANY_CONTENT_TYPE = "application/octet-stream"
"""The content type of all other files, which clients download."""


@dataclass(frozen=True, slots=True)
class BlobFile:
    """The file of a blob: the folder of its store, and the path of the file below it."""

    root: str
    below: str

    @property
    def path(self) -> str:
        return f"{self.root}/{self.below}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobFacts:
    """Facts about a stored file. `size` in bytes; `sha256` in lower-case hexadecimal digits."""

    key: str
    size: int
    sha256: str


class MediaDamaged(Unavailable):
    code = "MEDIA_DAMAGED"
    messages = {
        "en": "The stored file is damaged and is not served. The operator can restore it from a backup.",
        "ja": "保存されたファイルが破損しているため、配信できません。運用担当者がバックアップから復元できます。",
    }


class OwnerKind(StrEnum):
    """The kinds of owners of stored files."""

    MECHANISM = "mechanism"


class BlobRole(StrEnum):
    """The role of a stored file."""

    ORIGINAL = "original"
    ATTACHMENT = "attachment"
    MODEL_THUMBNAIL = "model_thumbnail"
    """What is drawn of an attachment that is a 3-D model."""
    OWN_THUMBNAIL = "own_thumbnail"
    """The picture that an author sent for the thumbnail, which is drawn from it."""
    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    PREVIEW = "preview"
    PHASES = "phases"
    """Moments of one period of a clip, laid over each other."""
    PICTURE = "picture"
    PAGE = "page"
    FORMER = "former"
    """A main file that another one replaced, or what was made of it: a former revision shows it."""


class Damage(StrEnum):
    """What a verification found wrong with a stored file."""

    MISSING = "missing"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    """The store responds, but not with the content of this file: a bad sector, for instance."""


DERIVATIVES = frozenset(BlobRole) - {
    BlobRole.ORIGINAL,
    BlobRole.ATTACHMENT,
    BlobRole.OWN_THUMBNAIL,
    BlobRole.FORMER,
}
"""The roles of files that mechshare makes and shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobReference:
    """A reference to a stored file. A file without a reference is an orphan, which garbage collection deletes.

    `size` in bytes and `sha256` in lower-case hexadecimal digits are None until the file has been measured. The storage
    quota of `user_id` counts the file; it is None only in rows that the previous release wrote.

    `verified_at` is when the content was last compared with `sha256`: at first when it was stored, None in rows of an
    earlier release. `damage` is what that found, None if nothing.
    """

    key: str
    owner_kind: OwnerKind
    owner_id: str
    role: BlobRole
    size: int | None
    sha256: str | None
    created_at: datetime
    user_id: UserId | None
    verified_at: datetime | None = None
    damage: Damage | None = None

    def damage_of(self, found: BlobFacts | None) -> Damage | None:
        """Returns what is wrong with the file as `found` in the store, None there if it is missing.

        A file that was never measured is taken to be whole.
        """
        if found is None:
            return Damage.MISSING
        digest = self.sha256 or digest_prefix(self.key)
        is_same = found.sha256.startswith(digest) and self.size in (None, found.size)
        return None if is_same else Damage.ALTERED


def is_blob_key(text: str) -> bool:
    """Whether `text` is a blob key: lower-case words joined by `-`, `_` or `.`, in parts joined by `/`; never `..`."""
    return len(text) <= _MAX_KEY_LENGTH and _KEY.match(text) is not None


def original_key(upload_id: str, extension: str) -> str:
    """Returns the key of an uploaded file."""
    return f"{ORIGINALS}{upload_id}.{extension}"


def derivative_key(mechanism_id: MechanismId, fence: int, sha256: str, extension: str) -> str:
    """Returns the key of a file that is made from an original.

    It contains the fence of the attempt and the digest of the content, so two attempts or contents never share a key.
    """
    return f"{derivative_prefix(mechanism_id)}{fence}-{sha256[:32]}.{extension}"


def digest_prefix(key: str) -> str:
    """Returns the first digits of the content's SHA-256 in a derivative's key; "" for any other key."""
    match = _DERIVATIVE.fullmatch(key)
    return match[1] if match else ""


def derivative_prefix(mechanism_id: MechanismId) -> str:
    return f"media/{mechanism_id}/"


def mechanism_of(key: str) -> MechanismId | None:
    """Returns the mechanism in a derivative's key; None for any other key."""
    parts = key.split("/")
    return MechanismId(parts[1]) if len(parts) == 3 and parts[0] == "media" else None


def blob_url(key: str) -> str:
    """Returns the URL that the domain stores for a file; clients never see it."""
    return _SCHEME + key


def blob_key(url: str) -> str | None:
    """Returns the key in a URL made by `blob_url`; None for media on other hosts."""
    return url.removeprefix(_SCHEME) if url.startswith(_SCHEME) else None


def content_type_of(key: str) -> str:
    """Returns the content type of the file under `key`."""
    return CONTENT_TYPES.get(key.rpartition(".")[2], ANY_CONTENT_TYPE)
