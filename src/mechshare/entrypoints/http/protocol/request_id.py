"""The request id, which log events, error responses and audit entries contain."""

from collections.abc import MutableMapping
from typing import Any

from litestar.types import Scope


def request_id_of(scope: Scope) -> str:
    """Returns the id that RequestContextMiddleware stored in the request."""
    state: MutableMapping[str, Any] = scope.get("state", {})
    return str(state.get("request_id", ""))
