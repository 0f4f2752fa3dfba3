"""The identifier of a request, which logs, errors and audit entries name."""

from collections.abc import MutableMapping
from typing import Any

from litestar.types import Scope


def request_id_of(scope: Scope) -> str:
    """The request's identifier."""
    state: MutableMapping[str, Any] = scope.get("state", {})
    return str(state.get("request_id", ""))
