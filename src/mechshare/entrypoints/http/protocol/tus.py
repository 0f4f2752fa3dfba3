"""The header fields of tus 1.0, the protocol of resumable uploads (https://tus.io/protocols/resumable-upload)."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from hashlib import new
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest, UnsupportedContentType
from mechshare.domain.uploads import MAX_METADATA_LENGTH, Checksum, Upload
from mechshare.entrypoints.http.protocol.errors import UnsupportedTusVersion

Req = Request[Any, Any, Any]
UPLOADS_PATH = "/api/v1/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = ("sha1", "sha256", "sha512", "md5")
CONTENT_TYPE = "application/offset+octet-stream"
_NUMBER = re.compile(r"[0-9]{1,15}\Z")
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+\Z")


def require_version(request: Req, *, is_optional: bool = False) -> None:
    """Raises UnsupportedTusVersion unless the client speaks our version, or, if `is_optional`, says none."""
    version = request.headers.get("tus-resumable", "")
    if version != VERSION and not (is_optional and not version):
        raise UnsupportedTusVersion(version=VERSION)


def required_number(request: Req, field: str) -> int:
    """Returns the field, a number of bytes. Raises MalformedRequest."""
    text = request.headers.get(field, "")
    if not _NUMBER.match(text):
        raise _malformed(field, "must be a number of bytes.")
    return int(text)


def require_content_type(request: Req) -> None:
    """Raises UnsupportedContentType unless the body is said to be bytes of the upload."""
    content_type, _ = request.content_type
    if content_type != CONTENT_TYPE:
        raise UnsupportedContentType(content_type=content_type, accepted=CONTENT_TYPE)


def checksum_of(request: Req) -> Checksum | None:
    """Returns the checksum of the body; None if the client sent none. Raises MalformedRequest."""
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise _malformed("Upload-Checksum", f"must begin with one of {', '.join(ALGORITHMS)}.")
    digest = _decoded("Upload-Checksum", encoded)
    if len(digest) != new(algorithm, usedforsecurity=False).digest_size:
        raise _malformed("Upload-Checksum", f"must have a whole {algorithm} digest in Base64.")
    return Checksum(algorithm=algorithm, digest=digest)


def metadata_of(request: Req) -> tuple[str, Mapping[str, str]]:
    """Returns the metadata as sent, and its values by key. Raises MalformedRequest."""
    sent = request.headers.get("upload-metadata", "").strip()
    if len(sent) > MAX_METADATA_LENGTH:
        raise _malformed("Upload-Metadata", f"must have at most {MAX_METADATA_LENGTH} characters.")
    values: dict[str, str] = {}
    for pair in sent.split(",") if sent else ():
        key, _, encoded = pair.strip().partition(" ")
        if not _KEY.match(key) or key in values:
            raise _malformed(
                "Upload-Metadata", "must have pairs of a key, given once, and a value in Base64."
            )
        values[key] = _decoded("Upload-Metadata", encoded).decode("utf-8", "replace")
    return sent, values


def upload_headers(upload: Upload) -> dict[str, str]:
    """Returns the fields that every response about an upload has."""
    return {
        "Upload-Offset": str(upload.received),
        "Upload-Expires": _http_date(upload.expires_at),
        "Cache-Control": "no-store",
    }


def _http_date(time: datetime) -> str:
    return format_datetime(time.replace(microsecond=0), usegmt=True)


def _decoded(field: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise _malformed(field, "must have its value in Base64.") from problem


def _malformed(field: str, rule: str) -> MalformedRequest:
    return MalformedRequest(problem="see details.", details=[(field, rule)])
