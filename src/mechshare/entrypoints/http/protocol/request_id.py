"""The request id, which log events, error responses and audit entries contain."""

from collections.abc import MutableMapping
from random import getrandbits
from typing import Any

from litestar.types import Scope


def request_id_of(scope: Scope) -> str:
    """Returns the id that RequestContextMiddleware stored in the request."""
    state: MutableMapping[str, Any] = scope.get("state", {})
    return str(state.get("request_id", ""))


def new_request_id() -> str:
    # Request ids must be unique but may be predictable: a secure random number would take longer than the response.
    return f"{getrandbits(128):032x}"
