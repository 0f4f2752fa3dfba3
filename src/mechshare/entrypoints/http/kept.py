"""Answers that are the same for every caller: kept encoded, and given again without asking the framework."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from mechshare.application import Application
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.answers import PUBLIC, answer, is_held_by
from mechshare.entrypoints.http.auth import bearer_token
from mechshare.entrypoints.http.paging import next_link

MOST_KNOWN = 20_000
"""Addresses whose answers are known to be kept."""
_KEPT = "mechshare.kept"


def kept_entry(body: bytes, etag: str, cursor: str | None = None) -> bytes:
    """What the cache keeps of an answer; `cursor` leads to the list's next page."""
    return b"\n".join((etag.encode(), (cursor or "").encode(), body))


def answer_kept(
    request: Request[Any, Any, Any], group: str, key: str, entry: bytes, *, for_everyone: bool = True
) -> Response[Any]:
    """The answer that `entry` keeps, which the cache holds as `key` of `group`.

    `for_everyone`: whoever may ask for this address, which is everybody but a bearer of a bad token, is told this.
    """
    etag, cursor, body = entry.split(b"\n", 2)
    if for_everyone:
        request.scope["state"][_KEPT] = (group, key, entry)
    return answer(
        request, body, etag=etag.decode(), cache=PUBLIC, headers=next_link(request, cursor.decode() or None)
    )


@dataclass(slots=True)
class _Known:
    """What was answered at an address, and where the cache holds it."""

    group: str
    key: str
    entry: bytes
    etag: str
    path_template: str
    body: bytes
    headers: dict[int, list[tuple[bytes, bytes]]]


class KeptAnswers:
    """Repeats what the application answered, for as long as the cache holds the entry that it was made from.

    Who may see what is thus decided in one place: only what `answer_kept` said is for everyone is repeated, and to
    those alone whose token, if they bring one, is good.
    """

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._application = application
        self._known: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        known = self._known.get((scope["path"], scope["query_string"]))
        if known is not None and self._application.cache.held(known.group, known.key) is known.entry:
            held, token = _asked(scope)
            status = 304 if held and is_held_by(held, known.etag) else 200
            headers = known.headers.get(status)
            if headers and (token is None or await self._is_good(token)):
                scope["path_template"] = known.path_template
                await send({"type": "http.response.start", "status": status, "headers": headers})
                body = known.body if status == 200 else b""
                await send({"type": "http.response.body", "body": body, "more_body": False})
                return
        await self._ask(scope, receive, send)

    async def _ask(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        status = 0
        headers: list[tuple[bytes, bytes]] = []

        async def overheard(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            await send(message)

        await self._app(scope, receive, overheard)
        kept = scope["state"].get(_KEPT)
        if kept is not None and status in (200, 304):
            self._learn(scope, status, headers, *kept)

    def _learn(
        self,
        scope: HTTPScope,
        status: int,
        headers: list[tuple[bytes, bytes]],
        group: str,
        key: str,
        entry: bytes,
    ) -> None:
        address = (scope["path"], scope["query_string"])
        known = self._known.get(address)
        if known is None or known.entry is not entry:
            etag, _, body = entry.split(b"\n", 2)
            template = scope["path_template"]
            known = _Known(group, key, entry, etag.decode(), template, body, {})
            self._known[address] = known
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        known.headers[status] = headers

    async def _is_good(self, authorization: str) -> bool:
        """What is refused here is refused again by the application, which says why."""
        try:
            await self._application.authentication.authenticate(bearer_token(authorization))
        except DomainException:
            return False
        return True


def _asked(scope: HTTPScope) -> tuple[str | None, str | None]:
    """The fields If-None-Match and Authorization."""
    held = token = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            held = value.decode("latin-1")
        elif name == b"authorization":
            token = value.decode("latin-1")
    return held, token
