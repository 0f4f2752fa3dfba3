"""Refuses people who are not signed in, where MECHSHARE_ANONYMOUS is `none`."""

from urllib.parse import parse_qsl

from litestar.types import HTTPScope, Message, Receive, Send

from mechshare.domain.errors import AuthenticationRequired, DomainException, InvalidToken, Unavailable
from mechshare.entrypoints.http.protocol.auth import bearer_token
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.header_fields import field_of
from mechshare.entrypoints.http.protocol.layers import HttpApp
from mechshare.services.authentication import AuthenticationService

OPEN_PATHS = frozenset(
    (
        *(f"/api/v1/auth/{name}" for name in ("register", "login", "refresh")),
        *("/sign-in", "/register", "/robots.txt", "/favicon.ico"),
        *("/health/live", "/health/ready", "/.well-known/jwks.json", "/api/v1/.well-known/jwks.json"),
    )
)
"""What people need before they have signed in, and what says nothing of the installation's content."""
OPEN_PREFIXES = ("/static/", "/schema", "/language/")
"""The same in every installation."""
_STREAM = "/processing/events"


class SignInRequiredMiddleware:
    """Refuses every request without a valid token (401) before anything is looked up: pages, media, counts and
    addresses that do not exist look alike to them.

    A signed link to media is no sign-in. A ticket is one, which the route of the event stream checks. No shared cache
    may store what passes.
    """

    def __init__(self, app: HttpApp, authentication: AuthenticationService) -> None:
        self._app = app
        self._authentication = authentication

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is not None:
            await send_refusal(refusal, scope, receive, send)
            return
        await self._app(scope, receive, _privately(send))

    async def _refusal(self, scope: HTTPScope) -> DomainException | None:
        header = field_of(scope["headers"], b"authorization").decode("latin-1")
        if not header:
            return None if _has_ticket(scope) else AuthenticationRequired()
        try:
            await self._authentication.authenticate(bearer_token(header))
        except (InvalidToken, Unavailable) as problem:
            return problem
        return None


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def _has_ticket(scope: HTTPScope) -> bool:
    """Whether the request opens an event stream by a ticket, which its route then verifies."""
    if not scope["path"].endswith(_STREAM):
        return False
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    tickets = [value for name, value in pairs if name == "ticket"]
    return len(tickets) == 1 and bool(tickets[0])


def _privately(send: Send) -> Send:
    async def send_privately(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, _private(value) if name.lower() == b"cache-control" else value)
                for name, value in message.get("headers", ())
            ]
        await send(message)

    return send_privately


def _private(cache_control: bytes) -> bytes:
    """Returns the directives without those for shared caches (RFC 9111, 5.2.2)."""
    directives = [one.strip() for one in cache_control.split(b",")]
    shared = (b"public", b"s-maxage", b"proxy-revalidate")
    own = [one for one in directives if not one.lower().startswith((*shared, b"private"))]
    return b", ".join([b"private", *own])
