"""The outermost layer: what happens to every request, whatever it asks for."""

import re
import time
from random import getrandbits
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mechshare.entrypoints.http.protocol.request_id import request_id_of
from mechshare.entrypoints.http.shutdown import Shutdown
from mechshare.entrypoints.metrics import LATENCY, REQUESTS

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_log = structlog.get_logger("mechshare.http")


class RequestContextMiddleware:
    """Gives each request an identifier (X-Request-ID, taken or made); counts and times its answer. A process that is
    about to stop asks for no more requests on the same connection."""

    def __init__(self, app: ASGIApp, stopping: Shutdown) -> None:
        self._app = app
        self._stopping = stopping
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"x-content-type-options", b"nosniff"))
                if self._stopping.has_begun and scope["http_version"].startswith("1"):
                    headers.append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        endpoint = scope.get("path_template") or "(none)"
        counter, histogram = self._metrics(method, endpoint, status)
        counter.inc()
        histogram.observe(seconds)
        if (
            status >= 500
        ):  # what went well is counted, not told one by one: that would cost as much as answering
            _log.warning(
                "request_completed",
                method=method,
                endpoint=endpoint,
                status=status,
                seconds=round(seconds, 4),
                request_id=request_id_of(scope),
            )

    def _metrics(self, method: str, endpoint: str, status: int) -> tuple[Any, Any]:
        """The labelled counter and histogram; looking them up by label each time would cost more than counting."""
        key = (method, endpoint, status)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = (
                REQUESTS.labels(method, endpoint, str(status)),
                LATENCY.labels(method, endpoint),
            )
        return found


class LogContextMiddleware:
    """Names each request in all that is logged on its way from here. What is kept ready is answered before: it logs
    nothing, and to name it would cost as much as to answer it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id_of(scope))
        await self._app(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            requested = value.decode("latin-1")
            return requested if _REQUEST_ID.match(requested) else _new_id()
    return _new_id()


def _new_id() -> str:
    """Needs to be found nowhere else, and may be guessed: the system's randomness would take longer than the answer."""
    return f"{getrandbits(128):032x}"
