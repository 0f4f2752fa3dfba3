"""Answers that are the same for every caller: kept encoded, and given without asking the framework."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from mechshare.application import Application
from mechshare.domain.errors import DomainException
from mechshare.domain.ids import MechanismId, is_id
from mechshare.entrypoints.http.protocol.auth import application_of, bearer_token
from mechshare.entrypoints.http.protocol.pagination import next_link
from mechshare.entrypoints.http.protocol.responses import CACHED_FOR, PUBLIC, VARY, answer, is_held_by
from mechshare.entrypoints.http.public_reads.mechanisms import PublicMechanisms, public_entry
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH
from mechshare.services.support.invalidation import PUBLIC_LISTS

MAX_ADDRESSES = 20_000
"""Addresses whose answers are known to be kept."""
MAX_QUERY_STRING_BYTES = 2_000
"""Bytes of such an address's query; what nobody asks for in earnest is to take no memory."""
_KEPT = "mechshare.kept"
_ONE = f"{MECHANISMS_PATH}/"


async def cached_response(
    request: Request[Any, Any, Any],
    key: str,
    load: Callable[[], Awaitable[bytes]],
    *,
    for_everyone: bool = True,
) -> Response[Any]:
    """The answer in the entry that the cache holds as `key` of PUBLIC_LISTS, or `load` makes.

    `for_everyone`: whoever may ask for this address, which is everybody but a bearer of a bad token, is told this.
    """
    entry = await application_of(request).cache.get_or_load(PUBLIC_LISTS, key, load, CACHED_FOR)
    etag, cursor, body = entry.split(b"\n", 2)
    headers = next_link(request, cursor.decode() or None)
    if for_everyone:
        link = headers.get("Link", "").encode()
        request.scope["state"][_KEPT] = _Known(key, cursor, request.scope["path_template"], link)
    return answer(request, body, etag=etag.decode(), cache=PUBLIC, headers=headers)


@dataclass(frozen=True, slots=True)
class _Known:
    """The `key` of an address's answer among PUBLIC_LISTS, and the field Link that leads to `cursor` from there."""

    key: str
    cursor: bytes
    path_template: str
    link: bytes


class ResponseCacheMiddleware:
    """Answers a public mechanism, and what the cache holds at an address of which `cached_response`
    said that its answer is for everyone.

    A caller who brings a token is told so only if the token is good. All else is the application's to answer.
    """

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._application = application
        self._cache = application.cache
        self._mechanisms = PublicMechanisms(application)
        self._known: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        entry, path_template, link = await self._find(scope)
        if entry:
            held, token = _asked(scope)
            if token is None or await self._is_good(token):
                scope["path_template"] = path_template
                await _send(entry, link, held, send)
                return
        await self._app(scope, receive, send)
        learned = scope["state"].get(_KEPT)
        if learned is not None and len(scope["query_string"]) <= MAX_QUERY_STRING_BYTES:
            self._known[scope["path"], scope["query_string"]] = learned
            if len(self._known) > MAX_ADDRESSES:
                self._known.popitem(last=False)

    async def _find(self, scope: HTTPScope) -> tuple[bytes | None, str, bytes]:
        """The entry, the path's template and the field Link."""
        path = scope["path"]
        if path.startswith(_ONE):
            id = MechanismId(path.removeprefix(_ONE))
            return await self._mechanism(id) if is_id(id) else None, _ONE + "{mechanism_id}", b""
        known = self._known.get((path, scope["query_string"]))
        entry = self._cache.held(PUBLIC_LISTS, known.key) if known else None
        if known and entry and entry.split(b"\n", 2)[1] == known.cursor:
            return entry, known.path_template, known.link
        return None, "", b""

    async def _mechanism(self, id: MechanismId) -> bytes | None:
        """None or nothing for one that is not public."""
        try:
            return self._cache.held(*public_entry(id)) or await self._mechanisms.find(id)
        except DomainException:  # which happens to the application again, and it says what it is
            return None

    async def _is_good(self, authorization: str) -> bool:
        """Whoever is refused here is refused again by the application, which says why."""
        try:
            await self._application.authentication.authenticate(bearer_token(authorization))
        except DomainException:
            return False
        return True


async def _send(entry: bytes, link: bytes, held: str | None, send: Send) -> None:
    """`held` is what the reader holds already (If-None-Match)."""
    etag, _, body = entry.split(b"\n", 2)
    headers = [(b"etag", etag), (b"cache-control", PUBLIC.encode()), (b"vary", VARY.encode())]
    if link:
        headers.append((b"link", link))
    status = 304 if held and is_held_by(held, etag.decode()) else 200
    if status == 200:
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if status == 200 else b"", "more_body": False})


def _asked(scope: HTTPScope) -> tuple[str | None, str | None]:
    """The fields If-None-Match and Authorization."""
    held = token = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            held = value.decode("latin-1")
        elif name == b"authorization":
            token = value.decode("latin-1")
    return held, token
