"""What a layer of middleware is: an ASGI application for HTTP requests around another one."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from litestar.types import HTTPScope, Receive, Send

HttpApp = Callable[[HTTPScope, Receive, Send], Awaitable[None]]
"""The outermost layer passes on what is not HTTP, so that no other layer has to."""
Field = tuple[bytes, bytes]
_RESPONSE_FIELDS = "mechshare.response_fields"


def add_to_response(scope: HTTPScope, *fields: Field) -> None:
    """Adds header fields to the response, whichever layer sends it.

    A layer that only adds fields needs no `send` of its own, which every message would have to pass.
    """
    response_fields(scope.setdefault("state", {})).extend(fields)


def response_fields(state: MutableMapping[str, Any]) -> list[Field]:
    """Returns the fields that layers have added to the response so far, given the request's state."""
    fields: list[Field] = state.setdefault(_RESPONSE_FIELDS, [])
    return fields
