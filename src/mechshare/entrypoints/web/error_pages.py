"""Shows errors as pages to people, who would otherwise see JSON."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Receive, Send

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.paths import is_page, peek
from mechshare.entrypoints.web.rendering import address_of, page, render

_FIELDS_OF_JSON = (b"content-type", b"content-length", b"content-encoding", b"etag", b"www-authenticate")


class ErrorPagesMiddleware:
    """Replaces the JSON of an error by a page where a browser opened an address of a page.

    A person who is signed out and opens a page for users is sent to the sign-in page, which leads back.
    """

    def __init__(self, app: HttpApp, litestar: Any) -> None:
        self._app = app
        self._litestar = litestar

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if not _opens_page(scope):
            return self._app(scope, receive, send)
        _prefer_chosen_language(scope)
        return self._app(scope, receive, _ErrorPage(self._litestar, scope, receive, send))


class _ErrorPage:
    """The `send` of one request, which replaces an error in JSON."""

    def __init__(self, litestar: Any, scope: HTTPScope, receive: Receive, send: Send) -> None:
        self._litestar = litestar
        self._scope = scope
        self._receive = receive
        self._send = send
        self._error: HTTPResponseStartEvent | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= HTTPStatus.BAD_REQUEST and _is_json(message):
                self._error = message
                return
        elif self._error is not None and message["type"] == "http.response.body":
            self._body += message["body"]
            if not message["more_body"]:
                await self._replace(self._error)
            return
        await self._send(message)

    async def _replace(self, error: HTTPResponseStartEvent) -> None:
        # A middleware may have refused the request before the framework set its application.
        self._scope["litestar_app"] = self._litestar
        request: Request[Any, Any, Any] = Request(self._scope, self._receive)
        keep = [(name, value) for name, value in error["headers"] if name.lower() not in _FIELDS_OF_JSON]
        if error["status"] == HTTPStatus.UNAUTHORIZED and self._scope["method"] == "GET":
            await self._redirect(request, keep)
            return
        response = await self._page(request, error["status"], field_of(keep, b"retry-after").decode())
        fields = [(name.lower().encode(), str(value).encode()) for name, value in response.headers.items()]
        names = {name for name, _ in fields}
        body = str(response.content).encode()
        headers = [
            *((name, value) for name, value in keep if name.lower() not in names),
            *fields,
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._send({"type": "http.response.start", "status": error["status"], "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _page(self, request: Request[Any, Any, Any], status: int, retry_after: str) -> Response[str]:
        shown = msgspec.json.decode(self._body) if self._body else {}
        content = {name: shown.get(name, "") for name in ("code", "message", "request_id", "details")}
        content["retry_after"] = retry_after
        try:
            return await page(request, "error.html", status=status, **content)
        except DomainException:  # whose session it is cannot be found out: the page is that of a guest
            return render(request, "error.html", None, status=status, **content)

    async def _redirect(self, request: Request[Any, Any, Any], keep: list[tuple[bytes, bytes]]) -> None:
        location = f"/sign-in?next={quote(address_of(request), safe='/')}"
        headers = [*keep, (b"location", location.encode()), (b"content-length", b"0")]
        await self._send({"type": "http.response.start", "status": 303, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _opens_page(scope: HTTPScope) -> bool:
    return is_page(scope["path"]) and b"text/html" in field_of(scope["headers"], b"accept")


def _is_json(start: HTTPResponseStartEvent) -> bool:
    return field_of(start.get("headers", ()), b"content-type").startswith(b"application/json")


def _prefer_chosen_language(scope: HTTPScope) -> None:
    """Makes errors use the language that the person chose on a page."""
    language = language_of(peek(scope)).encode()
    others = [(name, value) for name, value in scope["headers"] if name != b"accept-language"]
    scope["headers"] = [*others, (b"accept-language", language)]
