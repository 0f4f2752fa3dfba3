"""Serves public responses without calling the framework."""

from collections import OrderedDict
from collections.abc import Awaitable
from functools import partial
from typing import NamedTuple

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Receive, Send

from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId, is_id
from mechshare.domain.policy import Viewer
from mechshare.domain.statistics import VisitKind
from mechshare.entrypoints.http.middleware.first_misses import FirstMisses
from mechshare.entrypoints.http.protocol.auth import reader_of
from mechshare.entrypoints.http.protocol.entity_tags import matches_etag
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.http.protocol.repeatable import REPEATABLE, Next, Repeatable
from mechshare.entrypoints.http.protocol.responses import NO_STORE, PUBLIC, RESPONSE_KEY, VARY, PublicKey
from mechshare.entrypoints.http.protocol.visits import visitor_of
from mechshare.entrypoints.http.public_reads.keys import ListKey, mechanism_key
from mechshare.entrypoints.http.public_reads.reads import PublicReads
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.authentication import AuthenticationService
from mechshare.services.response_cache import CachedResponse, ResponseKey
from mechshare.services.statistics import StatisticsService

MAX_ADDRESSES = 20_000
"""Maximum number of addresses (path and query) whose response keys are remembered."""
MAX_QUERY_STRING_BYTES = 2_000
"""Addresses with longer query strings are not remembered: only hostile clients send them, and they take memory."""
MAX_REMEMBERED_QUERY_BYTES = 4 * 1024 * 1024
"""Bytes of the query strings of all addresses that are remembered: what each byte stands for takes some 15 bytes."""
_PUBLIC = (b"cache-control", PUBLIC.encode())
_NO_STORE = (b"cache-control", NO_STORE.encode())
_VARY = (b"vary", VARY.encode())
_JSON = (b"content-type", b"application/json")
_MECHANISM_PREFIX = f"{MECHANISMS_PATH}/"
_MECHANISM_TEMPLATE = _MECHANISM_PREFIX + "{mechanism_id}"


class _Address(NamedTuple):
    """What an address stands for as long as the categories have this `structure`. `list` is given for lists."""

    key: ResponseKey
    list: ListKey | None
    structure: bytes
    path_template: str


class ResponseCacheMiddleware:
    """Serves mechanisms that everybody may see, and to callers without a token addresses whose response a route marked
    as the public one (RESPONSE_KEY).

    All other requests go to the application, those with an invalid token too.
    """

    def __init__(
        self,
        app: HttpApp,
        authentication: AuthenticationService,
        statistics: StatisticsService,
        reads: PublicReads,
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._statistics = statistics
        self._reads = reads
        self._addresses = _Addresses()
        self._misses = FirstMisses()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        if_none_match, authorization = _request_headers(scope)
        try:
            found = await self._find(scope, authorization)
        except Unavailable as problem:  # the application would wait for the same dependency again
            await send_refusal(problem, scope, receive, send)
            return
        if found is None:
            await self._call_application(scope, authorization, receive, send)
            return
        start, body = _messages_of(found, if_none_match)
        await send(start)
        await send(body)

    def _find(self, scope: HTTPScope, authorization: str | None) -> Awaitable[CachedResponse | None]:
        """Returns the public response; None if the application must find the response. Raises Unavailable."""
        path = scope["path"]
        if path.startswith(_MECHANISM_PREFIX) and b"revision=" not in scope["query_string"]:
            id = MechanismId(path.removeprefix(_MECHANISM_PREFIX))
            return self._find_mechanism(scope, id, authorization)
        return self._find_public(scope, authorization)

    async def _find_mechanism(
        self, scope: HTTPScope, id: MechanismId, authorization: str | None
    ) -> CachedResponse | None:
        """Returns a mechanism, which is the same for everybody; None if it is not public or the token is invalid."""
        response = self._reads.cached(mechanism_key(id))
        if response is None and is_id(id):
            response = await self._reads.mechanism(id)
        if response is None:
            return None
        caller: Viewer = None
        if authorization is not None:
            caller = await reader_of(self._authentication, authorization)
            if caller is None:
                return None
        visitor = visitor_of(scope, caller)
        if visitor is not None:
            self._statistics.note(VisitKind.VIEW, id, visitor)
        if authorization is None:
            viewed = id if visitor else None
            scope["state"][REPEATABLE] = self._repeatable(mechanism_key(id), response, viewed)
        scope["path_template"] = _MECHANISM_TEMPLATE
        return response

    async def _find_public(self, scope: HTTPScope, authorization: str | None) -> CachedResponse | None:
        address = self._public_address(scope, authorization)
        response = await self._find_response(address) if address else None
        if address is not None and response is not None:
            scope["path_template"] = address.path_template
            scope["state"][REPEATABLE] = self._repeatable(address.key, response)
        return response

    def _repeatable(
        self, key: ResponseKey, response: CachedResponse, viewed: MechanismId | None = None
    ) -> Repeatable:
        # Without the body: what remembers the question counts only the bytes that it sends.
        is_current = partial(self._reads.has, key, response._replace(body=b""))
        return Repeatable(is_current, viewed, partial(self._find_next, key, viewed))

    def _find_next(self, key: ResponseKey, viewed: MechanismId | None) -> Next | None:
        response = self._reads.cached(key)
        return (
            Next(self._repeatable(key, response, viewed), *_messages_of(response, None)) if response else None
        )

    def _public_address(self, scope: HTTPScope, authorization: str | None) -> _Address | None:
        """Returns what the address stands for, for callers without a token; lists contain more for the others."""
        if authorization is not None:
            return None
        return self._addresses.find((scope["path"], scope["query_string"]))

    async def _find_response(self, address: _Address) -> CachedResponse | None:
        """Returns the cached response, or a list that is loaded now. Concurrent requests share the load.

        Other responses are loaded by their routes, which have rate limits of their own: the first of several requests
        calls its route, and the others get what it has loaded.
        """
        response = self._reads.cached(address.key)
        if response is not None:
            return response
        if address.list and self._reads.structure() == address.structure:
            try:
                return await self._reads.mechanism_page(address.list)
            except Unavailable:
                raise
            except Exception:  # the route meets it again, and responds to it
                return None
        return self._reads.cached(address.key) if await self._misses.wait(address.key) else None

    async def _call_application(
        self, scope: HTTPScope, authorization: str | None, receive: Receive, send: Send
    ) -> None:
        structure = self._reads.structure()
        if address := self._public_address(scope, authorization):
            await self._misses.call(self._app, address.key, scope, receive, send)
        else:
            await self._app(scope, receive, send)
        await self._remember(scope, structure)

    async def _remember(self, scope: HTTPScope, structure: bytes) -> None:
        """Remembers what the address stands for; `structure` is that of the categories before the request."""
        key: PublicKey | None = scope["state"].get(RESPONSE_KEY)
        if key is None or len(scope["query_string"]) > MAX_QUERY_STRING_BYTES:
            return
        list_key = key if isinstance(key, ListKey) and structure else None
        address = _Address(key.response_key, list_key, structure, scope["path_template"])
        self._addresses.add(scope["path"], scope["query_string"], address)
        if not structure:
            await self._reads.load_structure()


class _Addresses:
    """Maps paths with query strings to what they stand for; drops the oldest ones first beyond the limits."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, bytes], _Address] = OrderedDict()
        self._query_bytes = 0
        self.find = self._known.get

    def add(self, path: str, query_string: bytes, address: _Address) -> None:
        if (path, query_string) not in self._known:
            self._query_bytes += len(query_string)
        self._known[path, query_string] = address
        while len(self._known) > MAX_ADDRESSES or self._query_bytes > MAX_REMEMBERED_QUERY_BYTES:
            (_, dropped), _ = self._known.popitem(last=False)
            self._query_bytes -= len(dropped)


def _messages_of(
    response: CachedResponse, if_none_match: str | None
) -> tuple[HTTPResponseStartEvent, HTTPResponseBodyEvent]:
    """Returns the start and the content of the response, or of a 304."""
    cache = _PUBLIC if response.is_cacheable else _NO_STORE
    headers = [(b"etag", response.etag), cache, _VARY]
    if response.link:
        headers.append((b"link", response.link))
    is_unchanged = if_none_match is not None and matches_etag(if_none_match, response.etag.decode())
    body = b"" if is_unchanged else response.body
    if not is_unchanged:
        headers.append(_JSON)
        headers.append((b"content-length", b"%d" % len(body)))
    return (
        {"type": "http.response.start", "status": 304 if is_unchanged else 200, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": False},
    )


def _request_headers(scope: HTTPScope) -> tuple[str | None, str | None]:
    """Returns the fields If-None-Match and Authorization."""
    if_none_match = authorization = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            if_none_match = value.decode("latin-1")
        elif name == b"authorization":
            authorization = value.decode("latin-1")
    return if_none_match, authorization
