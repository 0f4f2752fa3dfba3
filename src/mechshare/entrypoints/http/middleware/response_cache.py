"""Serves public responses without calling the framework."""

from collections import OrderedDict
from typing import NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId, is_id
from mechshare.domain.policy import Viewer
from mechshare.domain.statistics import VisitKind
from mechshare.entrypoints.http.protocol.auth import reader_of
from mechshare.entrypoints.http.protocol.entity_tags import matches_etag
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.responses import PUBLIC, RESPONSE_KEY, VARY
from mechshare.entrypoints.http.protocol.visits import visitor_of
from mechshare.entrypoints.http.public_reads.reads import PublicReads
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.authentication import AuthenticationService
from mechshare.services.response_cache import CachedResponse, ResponseKey
from mechshare.services.statistics import StatisticsService

MAX_ADDRESSES = 20_000
"""Maximum number of addresses (path and query) whose response keys are remembered."""
MAX_QUERY_STRING_BYTES = 2_000
"""Addresses with longer query strings are not remembered: only hostile clients send them, and they take memory."""
_MECHANISM_PREFIX = f"{MECHANISMS_PATH}/"
_MECHANISM_TEMPLATE = _MECHANISM_PREFIX + "{mechanism_id}"


class _Address(NamedTuple):
    key: ResponseKey
    path_template: str


class ResponseCacheMiddleware:
    """Serves mechanisms that everybody may see, and to callers without a token addresses whose response a route marked
    as the public one (RESPONSE_KEY).

    All other requests go to the application, those with an invalid token too.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: AuthenticationService,
        statistics: StatisticsService,
        reads: PublicReads,
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._statistics = statistics
        self._reads = reads
        self._addresses: OrderedDict[tuple[str, bytes], _Address] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        try:
            found = await self._find_for_caller(scope)
        except Unavailable as problem:  # the application would wait for the same dependency again
            await send_refusal(problem, scope, receive, send)
            return
        if found is not None:
            await _send(*found, send)
            return
        await self._app(scope, receive, send)
        self._remember(scope)

    async def _find_for_caller(self, scope: HTTPScope) -> tuple[CachedResponse, str | None] | None:
        """Returns the cached response and the If-None-Match field; None on a miss or for an invalid token.

        Raises Unavailable.
        """
        path = scope["path"]
        if path.startswith(_MECHANISM_PREFIX) and b"revision=" not in scope["query_string"]:
            address, template = None, _MECHANISM_TEMPLATE
            response = await self._find_mechanism(path.removeprefix(_MECHANISM_PREFIX))
        elif address := self._addresses.get((path, scope["query_string"])):
            response, template = self._reads.cached(address.key), address.path_template
        else:
            return None
        if response is None:
            return None
        if_none_match, authorization = _request_headers(scope)
        # Lists contain more for signed-in callers; a single mechanism is the same for everybody.
        caller: Viewer = None
        if authorization is not None:
            caller = None if address else await reader_of(self._authentication, authorization)
            if caller is None:
                return None
        if address is None:
            self._note_view(scope, caller)
        scope["path_template"] = template
        return response, if_none_match

    async def _find_mechanism(self, id: str) -> CachedResponse | None:
        return await self._reads.mechanism(MechanismId(id)) if is_id(id) else None

    def _note_view(self, scope: HTTPScope, caller: Viewer) -> None:
        visitor = visitor_of(scope, caller)
        if visitor is not None:
            id = MechanismId(scope["path"].removeprefix(_MECHANISM_PREFIX))
            self._statistics.note(VisitKind.VIEW, id, visitor)

    def _remember(self, scope: HTTPScope) -> None:
        key = scope["state"].get(RESPONSE_KEY)
        if key is None or len(scope["query_string"]) > MAX_QUERY_STRING_BYTES:
            return
        self._addresses[scope["path"], scope["query_string"]] = _Address(key, scope["path_template"])
        if len(self._addresses) > MAX_ADDRESSES:
            self._addresses.popitem(last=False)


async def _send(response: CachedResponse, if_none_match: str | None, send: Send) -> None:
    headers = [(b"etag", response.etag), (b"cache-control", PUBLIC.encode()), (b"vary", VARY.encode())]
    if response.link:
        headers.append((b"link", response.link))
    is_unchanged = if_none_match is not None and matches_etag(if_none_match, response.etag.decode())
    body = b"" if is_unchanged else response.body
    if not is_unchanged:
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(body)).encode()))
    status = 304 if is_unchanged else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _request_headers(scope: HTTPScope) -> tuple[str | None, str | None]:
    """Returns the fields If-None-Match and Authorization."""
    if_none_match = authorization = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            if_none_match = value.decode("latin-1")
        elif name == b"authorization":
            authorization = value.decode("latin-1")
    return if_none_match, authorization
