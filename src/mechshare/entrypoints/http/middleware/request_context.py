"""The outermost layer: what happens to every request, whatever it asks for."""

import asyncio
import re
import time
from random import getrandbits
from typing import Any
from urllib.parse import quote_from_bytes

import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mechshare.entrypoints.http.protocol.client_address import ClientAddresses, peer_of
from mechshare.entrypoints.http.protocol.errors import NotStarted, domain_error_response
from mechshare.entrypoints.http.protocol.request_id import request_id_of
from mechshare.entrypoints.http.shutdown import Shutdown
from mechshare.entrypoints.metrics import LATENCY, REQUESTS

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
SEND_TIMEOUT = 30.0
"""Seconds in which a client must take a piece of a stream, which is 64 KiB at most: 2 KiB/s."""
_log = structlog.get_logger("mechshare.http")


class StalledReader(asyncio.CancelledError):
    """The client took no piece of a stream for SEND_TIMEOUT. A cancellation, so that no layer tries to answer it."""


class RequestContextMiddleware:
    """Gives each request an identifier (X-Request-ID, taken or made) and its client's address, and measures it.

    A process that is about to stop closes connections after the response. The first X-Forwarded-For field that counts
    for nothing is logged, as it is often that of a proxy which the operator forgot to name.
    """

    def __init__(self, app: ASGIApp, stopping: Shutdown, addresses: ClientAddresses) -> None:
        self._app = app
        self._stopping = stopping
        self._addresses = addresses
        self._has_warned = False
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        if not scope["query_string"].isascii():
            # A client that sends UTF-8 as it is means what its percent-encoding says (as WHATWG URL reads it).
            scope["query_string"] = quote_from_bytes(scope["query_string"], safe=_ASCII).encode()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["client_address"] = self._addresses.find(scope)
        if not self._has_warned and self._addresses.is_ignored(scope):
            self._warn_of_ignored(scope)
        started = time.perf_counter()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"x-content-type-options", b"nosniff"))
                if self._stopping.begun.is_set() and scope["http_version"].startswith("1"):
                    headers.append((b"connection", b"close"))
            if message.get("more_body"):
                await _send_in_time(send, message)
            else:
                await send(message)

        app = self._app if self._stopping.has_started else _refuse_not_started
        try:
            await app(scope, receive, send_named)
        except StalledReader:
            return  # granian closes the connection of a response that has no end
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _warn_of_ignored(self, scope: HTTPScope) -> None:
        self._has_warned = True
        _log.warning(
            "forwarded_for_ignored",
            peer=peer_of(scope),
            advice="if this is your proxy, name it in MECHSHARE_TRUSTED_PROXIES: all its callers share one limit now",
        )

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        endpoint = scope.get("path_template") or "(none)"
        key = (method, endpoint, status)
        # Looking the metrics up by label for each request would cost more than counting.
        if key not in self._children:
            counter, histogram = (
                REQUESTS.labels(method, endpoint, str(status)),
                LATENCY.labels(method, endpoint),
            )
            self._children[key] = counter, histogram
        counter, histogram = self._children[key]
        counter.inc()
        histogram.observe(seconds)
        if status >= 500:  # other responses are counted only: to log each would cost as much as to serve it
            _log.warning(
                "request_completed",
                method=method,
                endpoint=endpoint,
                status=status,
                seconds=round(seconds, 4),
                request_id=request_id_of(scope),
            )


async def _refuse_not_started(scope: Scope, receive: Receive, send: Send) -> None:
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    refused: Response[Any] = domain_error_response(request, NotStarted())
    await refused.to_asgi_response(None, request)(scope, receive, send)


async def _send_in_time(send: Send, message: Message) -> None:
    """Sends a piece of a stream. Raises StalledReader."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await send(message)
    except TimeoutError as problem:
        raise StalledReader() from problem


class LogContextMiddleware:
    """Adds the request's identifier to every log event from here on.

    Cached responses are served before: they log nothing, and the identifier would cost as much as the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id_of(scope))
        await self._app(scope, receive, send)


def _request_id(scope: Scope) -> str:
    """The first X-Request-ID field if it is well formed; else a new identifier."""
    requested = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode(
        "latin-1"
    )
    # An identifier has to be unique, and may be guessed: the system's randomness would take longer than the response.
    return requested if _REQUEST_ID.match(requested) else f"{getrandbits(128):032x}"
