"""The Idempotency-Key header: a repeated request gets the stored response of the first."""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from msgspec import Struct

from mechshare.domain.errors import MalformedRequest
from mechshare.entrypoints.http.protocol.auth import actor_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.openapi import LOCATION
from mechshare.entrypoints.http.protocol.responses import json_response
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse

T = TypeVar("T")
KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def idempotent_request(
    request: Request[Any, Any, Any],
    content: object,
    represent: Callable[[T], object] | None,
    caller: str | None = None,
) -> IdempotentRequest[T] | None:
    """Returns the request as one that takes effect once; None without Idempotency-Key or `represent`.

    `content` is what the body says, and `represent` makes the content of the response. The key is that of the signed-in
    user for this path, unless there is another `caller`. Raises MalformedRequest for a key that is not 1 to 200 visible
    ASCII characters.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None or represent is None:
        return None
    if not _KEY.match(key):
        raise MalformedRequest(
            problem="see details.",
            details=[(KEY_HEADER, "must be 1 to 200 visible ASCII characters.")],
        )
    owner = actor_of(request).id if caller is None else caller
    fingerprint = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return IdempotentRequest(
        scope=f"{owner} {request.scope['method']} {request.scope['path']}",
        key=key,
        fingerprint=sha256(fingerprint).hexdigest(),
        render=lambda result: msgspec.json.encode(represent(result)),
    )


class _Created(Struct):
    """Fields of responses to a creation; only mutable resources have a `version`."""

    id: str = ""
    version: int | None = None


def replayed(
    request: Request[Any, Any, Any], replay: ReplayedResponse, status: int | None = None
) -> Response[Any]:
    """Returns the stored response with Idempotent-Replayed, and the status of the route if there is no other."""
    route = request.route_handler
    created = msgspec.json.decode(replay.response, type=_Created)
    path = route.opt.get(LOCATION)
    location = {"Location": f"{path}/{created.id}"} if path else {}
    return json_response(
        request,
        replay.response,
        etag=etag_of(replay.response, created.version),
        status=status or route.status_code,
        headers={**location, REPLAYED_HEADER: "true"},
    )
