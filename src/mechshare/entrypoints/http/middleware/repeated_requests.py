"""Responds to repeated requests without calling the other layers again."""

import time
from collections import OrderedDict
from collections.abc import Awaitable
from typing import NamedTuple

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Message, Receive, Send

from mechshare.application import Application
from mechshare.domain.addresses import limited_address
from mechshare.domain.statistics import VisitKind
from mechshare.entrypoints.http.middleware.rate_limit import rate_limit_field
from mechshare.entrypoints.http.protocol.client_address import FORWARDED_FIELDS, ClientAddresses
from mechshare.entrypoints.http.protocol.header_fields import user_agent_of
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.repeatable import REPEATABLE, Repeatable
from mechshare.entrypoints.http.protocol.request_id import new_request_id
from mechshare.entrypoints.http.shutdown import Shutdown
from mechshare.entrypoints.metrics import RequestMetrics, request_metrics
from mechshare.services.support.visits import Visitor

MAX_REMEMBERED_BYTES = 16 * 1024 * 1024
_OVERHEAD = 2_900
"""Bytes that a remembered request takes in addition to its fields and the body of its response."""
_FIELD_OVERHEAD = 200
"""Bytes that a field takes in addition to its name and value."""
_MAX_REQUEST_BYTES = 8_000
_OF_ONE_RESPONSE = frozenset((b"x-request-id", b"ratelimit"))
"""Fields of responses that every response has for itself."""
_OF_ONE_CALLER = frozenset((b"authorization", b"cookie", b"x-request-id"))
"""Fields of requests that no other caller sends, or whose meaning changes with time."""

_OF_CONTENT = frozenset((b"etag", b"link", b"cache-control", b"content-length", b"content-encoding"))
"""Fields of responses that change with the content."""
_WITHOUT_EFFECT = FORWARDED_FIELDS | {
    b"user-agent",
    b"sec-ch-ua",
    b"sec-ch-ua-mobile",
    b"sec-ch-ua-platform",
    b"accept-language",
    b"referer",
    b"priority",
    b"dnt",
    b"sec-gpc",
}
"""Fields of requests that tell people and their browsers apart, but no public responses. Of these only the user agent
is read: it tells apart who looks at a mechanism."""
_MAX_WITHOUT_EFFECT = 500
"""Bytes of the value of such a field, at most."""


class _Request(NamedTuple):
    """What distinguishes the response to a GET request from others."""

    path: bytes
    query: bytes
    scheme: str
    fields: tuple[tuple[bytes, bytes], ...]


class _Known(NamedTuple):
    """The response to a request, the metrics that count it, and the bytes that request and response take."""

    repeatable: Repeatable
    start: HTTPResponseStartEvent
    body: HTTPResponseBodyEvent
    metrics: RequestMetrics
    size: int


class RepeatedRequestsMiddleware:
    """Responds to a GET request whose address and header fields repeat those of an earlier one, apart from fields
    _WITHOUT_EFFECT, as long as the layer that marked the response as repeatable says that it is current.

    All other layers would respond alike. What they count by the client is counted here, too: the rate limit and visits.
    Concurrent requests are not: these wait for nothing. Requests with a token, a cookie or an id pass all layers, and
    so do those above the rate limit.
    """

    def __init__(
        self,
        app: HttpApp,
        application: Application,
        shutdown: Shutdown,
        addresses: ClientAddresses,
    ) -> None:
        self._app = app
        self._limits = application.rate_limits
        self._statistics = application.statistics
        self._shutdown = shutdown
        self._addresses = addresses
        self._responses = _Responses()

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["method"] != "GET":
            return self._app(scope, receive, send)
        request = _request_of(scope)
        known = self._responses.find(request)
        if known is not None and not known.repeatable.is_current():
            known = self._renewed(request, known)
        if known is None or self._shutdown.has_begun:
            return self._respond_first(request, scope, receive, send)
        return self._respond_again(known, scope, receive, send)

    def _renewed(self, request: _Request, known: _Known) -> _Known | None:
        """Returns the response with its next content; None if all layers must find that."""
        found = known.repeatable.find_next()
        if found is None or found.start["status"] != known.start["status"]:
            return None
        old = [field for field in known.start["headers"] if field[0] not in _OF_CONTENT]
        new = [field for field in found.start["headers"] if field[0] in _OF_CONTENT]
        start: HTTPResponseStartEvent = {**known.start, "headers": [*old, *new]}
        size = known.size - len(known.body["body"]) + len(found.body["body"])
        renewed = known._replace(repeatable=found.repeatable, start=start, body=found.body, size=size)
        self._responses.add(request, renewed)
        return renewed

    async def _respond_again(self, known: _Known, scope: HTTPScope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        address = self._addresses.find(scope)
        headers = [*known.start["headers"], (b"x-request-id", new_request_id().encode())]
        if self._limits.is_limited:
            verdict = await self._limits.count_request(limited_address(address))
            if not verdict.allowed:
                await self._app(scope, receive, send)
                return
            headers.append(rate_limit_field(verdict))
        if known.repeatable.viewed:
            visitor = Visitor(None, address, user_agent_of(scope["headers"]))
            self._statistics.note(VisitKind.VIEW, known.repeatable.viewed, visitor)
        await send({**known.start, "headers": headers})
        await send(known.body)
        known.metrics.record(time.perf_counter() - begun)

    async def _respond_first(self, request: _Request, scope: HTTPScope, receive: Receive, send: Send) -> None:
        response = _Response(send)
        await self._app(scope, receive, response.send)
        repeatable: Repeatable | None = scope.get("state", {}).get(REPEATABLE)
        if repeatable is None or response.start is None or response.body is None:
            return
        request_size = _size_of(request)
        if request_size > _MAX_REQUEST_BYTES or _is_of_one_caller(request):
            return
        start = response.start
        metrics = request_metrics("GET", scope["path_template"], start["status"])
        headers = [(name, value) for name, value in start["headers"] if name not in _OF_ONE_RESPONSE]
        size = request_size + len(response.body["body"]) + _OVERHEAD
        self._responses.add(
            request, _Known(repeatable, {**start, "headers": headers}, response.body, metrics, size)
        )


class _Responses:
    """Maps requests to responses of MAX_REMEMBERED_BYTES in total; drops the oldest responses first."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Request, _Known] = OrderedDict()
        self._size = 0
        self.find = self._known.get

    def add(self, request: _Request, known: _Known) -> None:
        self._remove(request)
        self._known[request] = known
        self._size += known.size
        while self._size > MAX_REMEMBERED_BYTES:
            self._remove(next(iter(self._known)))

    def _remove(self, request: _Request) -> None:
        removed = self._known.pop(request, None)
        if removed is not None:
            self._size -= removed.size


class _Response:
    """Passes on the messages of a response, and remembers the first and the last one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.start: HTTPResponseStartEvent | None = None
        self.body: HTTPResponseBodyEvent | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.body = message
        await self._send(message)


def _request_of(scope: HTTPScope) -> _Request:
    all_fields = list(scope["headers"])
    fields = [
        (name, value)
        for name, value in all_fields
        if name not in _WITHOUT_EFFECT or len(value) > _MAX_WITHOUT_EFFECT
    ]
    # Long and many fields count, too: another layer refuses a request that has too many bytes of them.
    if len(all_fields) - len(fields) > len(_WITHOUT_EFFECT):
        fields = all_fields
    return _Request(scope["raw_path"], scope["query_string"], scope["scheme"], tuple(fields))


def _is_of_one_caller(request: _Request) -> bool:
    return any(name in _OF_ONE_CALLER for name, _ in request.fields)


def _size_of(request: _Request) -> int:
    """Returns the bytes that the address and the fields take."""
    fields = sum(len(name) + len(value) + _FIELD_OVERHEAD for name, value in request.fields)
    return len(request.path) + len(request.query) + fields
