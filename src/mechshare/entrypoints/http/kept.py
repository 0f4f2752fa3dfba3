"""Answers that are the same for every caller: kept encoded, and given without asking the framework."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from mechshare.application import Application
from mechshare.domain.errors import DomainException
from mechshare.domain.ids import MechanismId, is_id
from mechshare.entrypoints.http.answers import PUBLIC, VARY, answer, is_held_by
from mechshare.entrypoints.http.auth import bearer_token
from mechshare.entrypoints.http.mechanism_answers import MECHANISMS_PATH
from mechshare.entrypoints.http.paging import next_link
from mechshare.entrypoints.http.public_mechanisms import PublicMechanisms, public_entry

MOST_KNOWN = 20_000
"""Addresses whose answers are known to be kept."""
_KEPT = "mechshare.kept"
_ONE = f"{MECHANISMS_PATH}/"
_Headers = list[tuple[bytes, bytes]]


def answer_kept(
    request: Request[Any, Any, Any], group: str, key: str, entry: bytes, *, for_everyone: bool = True
) -> Response[Any]:
    """The answer in `entry`, which the cache holds as `key` of `group`.

    `for_everyone`: whoever may ask for this address, which is everybody but a bearer of a bad token, is told this.
    """
    etag, cursor, body = entry.split(b"\n", 2)
    link = next_link(request, cursor.decode() or None)
    if for_everyone:
        scope = request.scope
        kept = _prepared(group, key, entry, scope["path_template"], link.get("Link"))
        scope["state"][_KEPT] = kept
    return answer(request, body, etag=etag.decode(), cache=PUBLIC, headers=link)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, ready to be sent, and where the cache holds what it was made from."""

    group: str
    key: str
    entry: bytes
    path_template: str
    etag: str
    body: bytes
    headers: _Headers
    """Without those that tell of the body."""
    body_headers: _Headers


class KeptAnswers:
    """Answers what everyone is told: a public mechanism, and again what `answer_kept` said is for everyone, for as long
    as the cache holds the entry that it was made from.

    A caller who brings a token is told so only if the token is good. All else is the application's to answer.
    """

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._application = application
        self._cache = application.cache
        self._mechanisms = PublicMechanisms(application)
        self._known: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        kept = await self._find(scope)
        if kept is not None:
            held, token = _asked(scope)
            if token is None or await self._is_good(token):
                scope["path_template"] = kept.path_template
                await _send(kept, held, send)
                return
        await self._app(scope, receive, send)
        learned = scope["state"].get(_KEPT)
        if learned is not None:
            self._know(scope, learned)

    async def _find(self, scope: HTTPScope) -> _Kept | None:
        kept = self._known.get((scope["path"], scope["query_string"]))
        if kept is not None and self._cache.held(kept.group, kept.key) is kept.entry:
            return kept
        return await self._mechanism(scope) if scope["path"].startswith(_ONE) else None

    async def _mechanism(self, scope: HTTPScope) -> _Kept | None:
        """None for one that is not public, and for an address that is none of a mechanism."""
        id = MechanismId(scope["path"].removeprefix(_ONE))
        if scope["query_string"] or not is_id(id):
            return None
        try:
            entry = self._cache.held(*public_entry(id)) or await self._mechanisms.find(id)
        except DomainException:  # which happens to the application again, and it says what it is
            return None
        if not entry:
            return None
        kept = _prepared(*public_entry(id), entry, _ONE + "{mechanism_id}")
        self._know(scope, kept)
        return kept

    def _know(self, scope: HTTPScope, kept: _Kept) -> None:
        self._known[scope["path"], scope["query_string"]] = kept
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def _is_good(self, authorization: str) -> bool:
        """Whoever is refused here is refused again by the application, which says why."""
        try:
            await self._application.authentication.authenticate(bearer_token(authorization))
        except DomainException:
            return False
        return True


def _prepared(group: str, key: str, entry: bytes, path_template: str, link: str | None = None) -> _Kept:
    etag, _, body = entry.split(b"\n", 2)
    headers = [(b"etag", etag), (b"cache-control", PUBLIC.encode()), (b"vary", VARY.encode())]
    if link:
        headers.append((b"link", link.encode()))
    of_body = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return _Kept(group, key, entry, path_template, etag.decode(), body, headers, [*of_body, *headers])


async def _send(kept: _Kept, held: str | None, send: Send) -> None:
    """`held` is what the reader holds already (If-None-Match)."""
    if held and is_held_by(held, kept.etag):
        status, headers, body = 304, kept.headers, b""
    else:
        status, headers, body = 200, kept.body_headers, kept.body
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _asked(scope: HTTPScope) -> tuple[str | None, str | None]:
    """The fields If-None-Match and Authorization."""
    held = token = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            held = value.decode("latin-1")
        elif name == b"authorization":
            token = value.decode("latin-1")
    return held, token
