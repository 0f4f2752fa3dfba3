"""Request id, client address and metrics of every request."""

import asyncio
import re
import time
from urllib.parse import quote_from_bytes

import structlog
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from mechshare.entrypoints.http.protocol.client_address import ClientAddresses, peer_of
from mechshare.entrypoints.http.protocol.errors import NotStarted, send_refusal
from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp, response_fields
from mechshare.entrypoints.http.protocol.request_id import new_request_id, request_id_of
from mechshare.entrypoints.http.shutdown import Shutdown
from mechshare.entrypoints.metrics import request_metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
SEND_TIMEOUT = 30.0
"""Seconds in which a client must accept a piece of a stream of at most 64 KiB: about 2 KiB/s."""
_log = structlog.get_logger("mechshare.http")


class StalledReader(asyncio.CancelledError):
    """The client accepted no piece of a stream for SEND_TIMEOUT.

    It is a CancelledError, so that no layer tries to send an error response.
    """


class RequestContextMiddleware:
    """Sets the id (X-Request-ID, from the client or new) and the client address of each request, records metrics, and
    adds to the response the fields that layers have for it.

    During shutdown it closes HTTP/1 connections after the response. It logs the first X-Forwarded-For or Forwarded
    field from an untrusted sender, since that is often a proxy missing from MECHSHARE_TRUSTED_PROXIES.
    """

    def __init__(self, app: HttpApp, shutdown: Shutdown, addresses: ClientAddresses) -> None:
        self._app = app
        self._shutdown = shutdown
        self._addresses = addresses
        self._has_warned = False

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if not scope["query_string"].isascii():
            # Raw UTF-8 means the same as its percent-encoding (WHATWG URL).
            scope["query_string"] = quote_from_bytes(scope["query_string"], safe=_ASCII).encode()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["client_address"] = self._addresses.find(scope)
        if not self._has_warned and self._addresses.is_ignored(scope):
            self._warn_of_ignored(scope)
        fields = response_fields(state)
        fields.append((b"x-request-id", request_id.encode()))
        fields.append((b"x-content-type-options", b"nosniff"))
        started = time.perf_counter()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._shutdown.event.is_set() and scope["http_version"].startswith("1"):
                    fields.append((b"connection", b"close"))
                message["headers"] = [*message.get("headers", ()), *fields]
            if message.get("more_body"):
                await _send_in_time(send, message)
            else:
                await send(message)

        app = self._app if self._shutdown.has_started else _refuse_not_started
        try:
            await app(scope, receive, send_named)
        except StalledReader:
            return  # Granian closes the connection of an incomplete response
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _warn_of_ignored(self, scope: HTTPScope) -> None:
        self._has_warned = True
        _log.warning(
            "forwarded_for_ignored",
            peer=peer_of(scope),
            advice="if this is your proxy, name it in MECHSHARE_TRUSTED_PROXIES: all its callers share one limit now",
        )

    def _record(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        endpoint = scope.get("path_template") or "(none)"
        request_metrics(method, endpoint, status).record(seconds)
        if status >= 500:  # logging every response would cost as much as serving it
            _log.warning(
                "request_completed",
                method=method,
                endpoint=endpoint,
                status=status,
                seconds=round(seconds, 4),
                request_id=request_id_of(scope),
            )


async def _refuse_not_started(scope: HTTPScope, receive: Receive, send: Send) -> None:
    await send_refusal(NotStarted(), scope, receive, send)


async def _send_in_time(send: Send, message: Message) -> None:
    """Sends a piece of a stream. Raises StalledReader after SEND_TIMEOUT."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await send(message)
    except TimeoutError as problem:
        raise StalledReader() from problem


class LogContextMiddleware:
    """Adds the request id to every log event of the layers inside it.

    ResponseCacheMiddleware is outside: cached responses log nothing, and the id would cost as much as the response.
    """

    def __init__(self, app: HttpApp) -> None:
        self._app = app

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id_of(scope))
        await self._app(scope, receive, send)


def _request_id(scope: Scope) -> str:
    """Returns the first X-Request-ID field if it is well formed, else a new id."""
    requested = field_of(scope["headers"], b"x-request-id")
    if requested and _REQUEST_ID.match(text := requested.decode("latin-1")):
        return text
    return new_request_id()
