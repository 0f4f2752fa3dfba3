"""Signs browsers in by cookies, which scripts of pages cannot read, and refuses requests that other sites make."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from litestar.datastructures import Cookie
from litestar.types import HTTPScope, Message, Receive, Send

from mechshare.application import Application
from mechshare.domain.errors import Forbidden, InvalidToken, Unavailable
from mechshare.domain.sessions import SESSION_LIFETIME, Tokens
from mechshare.entrypoints.http.protocol.auth import request_metadata_of
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.entrypoints.web.paths import base_path, is_file, is_page, peek

ACCESS_COOKIE = "mechshare_access"
REFRESH_COOKIE = "mechshare_refresh"
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_EXPIRY_MARGIN = 30
"""Seconds before its expiry at which the browser drops an access token, so that none expires on its way."""


class CrossSiteRequest(Forbidden):
    code = "CROSS_SITE_REQUEST"
    messages = {
        "en": "This request does not come from a page of this site. Open the page here, and try again. Behind a proxy, "
        "MECHSHARE_PUBLIC_URL must be the address that browsers use.",
        "ja": "このサイトのページから送信されたリクエストではありません。ページを開き直して、もう一度お試しください。"
        "プロキシを使う場合は、ブラウザーで開くアドレスを MECHSHARE_PUBLIC_URL に設定してください。",
    }


class _Session(NamedTuple):
    """The tokens in the cookies; empty if missing."""

    access: str
    refresh: str


class SessionCookieMiddleware:
    """Turns the cookies of a browser's session into the Authorization field, which the application checks.

    Refreshes the tokens when the access token is missing or invalid. A request with an Authorization field of its own
    is passed on unchanged. A request that can change something and comes from another site is refused (403): cookies
    alone do not prove that a page of this site made it.
    """

    def __init__(self, app: HttpApp, application: Application) -> None:
        self._app = app
        self._application = application
        self._public_url = application.settings.public_url

    def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> Awaitable[None]:
        if is_file(scope["path"]):
            return self._app(scope, receive, send)
        session = _session_of(scope)
        if _can_change_something(scope, session) and not _is_same_site(scope, self._public_url):
            return send_refusal(CrossSiteRequest(), scope, receive, send)
        if session is None:
            return self._app(scope, receive, send)
        return self._signed_in(scope, session, receive, send)

    async def _signed_in(self, scope: HTTPScope, session: _Session, receive: Receive, send: Send) -> None:
        try:
            set_cookies = await self._sign_in(scope, session)
        except Unavailable as problem:
            await send_refusal(problem, scope, receive, send)
            return
        await self._app(scope, receive, _with_cookies(send, set_cookies) if set_cookies else send)

    async def _sign_in(self, scope: HTTPScope, session: _Session) -> Sequence[Cookie]:
        """Adds the Authorization field for a live session; returns the Set-Cookie fields. Raises Unavailable."""
        if session.access and await self._is_valid(session.access):
            _authorize(scope, session.access)
            return ()
        if not session.refresh:
            return signed_out_cookies(self._public_url)
        try:
            metadata = request_metadata_of(peek(scope))
            tokens = await self._application.sessions.refresh(session.refresh, metadata)
        except InvalidToken:
            return signed_out_cookies(self._public_url)
        _authorize(scope, tokens.access_token)
        return session_cookies(tokens, self._public_url, is_secure=scope["scheme"] == "https")

    async def _is_valid(self, access_token: str) -> bool:
        try:
            await self._application.authentication.authenticate(access_token)
        except InvalidToken:
            return False
        return True


def session_cookies(tokens: Tokens, public_url: str, *, is_secure: bool) -> list[Cookie]:
    """Returns the cookies that sign a browser in."""
    lifetime = int(SESSION_LIFETIME.total_seconds())
    return [
        _cookie(
            ACCESS_COOKIE, tokens.access_token, tokens.expires_in - _EXPIRY_MARGIN, public_url, is_secure
        ),
        _cookie(REFRESH_COOKIE, tokens.refresh_token, lifetime, public_url, is_secure),
    ]


def signed_out_cookies(public_url: str) -> list[Cookie]:
    """Returns the cookies that delete the session's cookies in the browser."""
    return [_cookie(name, "", 0, public_url, False) for name in (ACCESS_COOKIE, REFRESH_COOKIE)]


def _cookie(name: str, value: str, max_age: int, public_url: str, is_secure: bool) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        path=base_path(public_url) or "/",
        max_age=max(0, max_age),
        httponly=True,
        samesite="lax",
        secure=is_secure or public_url.startswith("https:"),
    )


def _authorize(scope: HTTPScope, access_token: str) -> None:
    scope["headers"] = [*scope["headers"], (b"authorization", b"Bearer " + access_token.encode())]


def _session_of(scope: HTTPScope) -> _Session | None:
    """Returns the session in the cookies; None without one, or if the request brings a token of its own."""
    fields = {name for name, _ in scope["headers"]}
    if b"cookie" not in fields or b"authorization" in fields:
        return None
    cookies = peek(scope).cookies
    session = _Session(cookies.get(ACCESS_COOKIE, ""), cookies.get(REFRESH_COOKIE, ""))
    return session if session.access or session.refresh else None


def _can_change_something(scope: HTTPScope, session: _Session | None) -> bool:
    """Whether another site could misuse the request: by the session, or by signing a person in."""
    return scope["method"] not in _SAFE_METHODS and (session is not None or is_page(scope["path"]))


def _is_same_site(scope: HTTPScope, public_url: str) -> bool:
    """Whether a page of this site made the request, by Fetch Metadata or else by Origin, which browsers always send."""
    fields = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if site := fields.get(b"sec-fetch-site"):
        return site == "same-origin"
    origin = urlsplit(fields.get(b"origin", "")).netloc
    return bool(origin) and origin in (fields.get(b"host", ""), urlsplit(public_url).netloc)


def _with_cookies(send: Send, set_cookies: Sequence[Cookie]) -> Send:
    async def send_with_cookies(message: Message) -> None:
        if message["type"] == "http.response.start":
            fields = [(b"set-cookie", cookie.to_header(header="").encode()) for cookie in set_cookies]
            message["headers"] = [*message.get("headers", ()), *fields]
        await send(message)

    return send_with_cookies
