"""The Idempotency-Key header: a repeated request gets the stored response of the first."""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from msgspec import Struct

from mechshare.domain.errors import MalformedRequest
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.responses import json_response
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse

T = TypeVar("T")
KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def idempotent_request(
    request: Request[Any, Any, Any], caller: str, fingerprint: bytes, render: Callable[[T], bytes]
) -> IdempotentRequest[T] | None:
    """Returns the idempotent request; None without Idempotency-Key. `fingerprint` identifies the request's content.

    Raises MalformedRequest for a key that is not 1 to 200 visible ASCII characters.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not _KEY.match(key):
        raise MalformedRequest(
            problem="see details.",
            details=[(KEY_HEADER, "must be 1 to 200 visible ASCII characters.")],
        )
    return IdempotentRequest(
        scope=f"{caller} {request.scope['method']} {request.scope['path']}",
        key=key,
        fingerprint=sha256(fingerprint).hexdigest(),
        render=render,
    )


class _Created(Struct):
    """Fields of every response to a creation; only mutable resources have a `version`."""

    id: str
    version: int | None = None


def replayed(
    request: Request[Any, Any, Any], replay: ReplayedResponse, status: int, path: str
) -> Response[Any]:
    """Returns the stored response with Idempotent-Replayed; `path` is the collection of the resource, for Location."""
    created = msgspec.json.decode(replay.response, type=_Created)
    return json_response(
        request,
        replay.response,
        etag=etag_of(replay.response, created.version),
        status=status,
        headers={"Location": f"{path}/{created.id}", REPLAYED_HEADER: "true"},
    )
