"""Limits the request rate of each address: the RateLimit fields, and 429 above the limit."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from mechshare.application import Application
from mechshare.domain.addresses import limited_address
from mechshare.domain.errors import TooManyRequests
from mechshare.domain.rate_limits import Verdict
from mechshare.entrypoints.http.protocol.client_address import client_address_of
from mechshare.entrypoints.http.protocol.errors import send_refusal

_FREE = "/health/"


class RateLimitMiddleware:
    """Counts the requests of each address and reports how many are left (draft-ietf-httpapi-ratelimit-headers)."""

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._limits = application.rate_limits
        quota = application.rate_limits.quota
        self._policy = f'"{quota.name}";q={quota.amount};w={quota.seconds}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
            return
        verdict = await self._limits.count_request(limited_address(client_address_of(scope)))

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"ratelimit-policy", self._policy))
                headers.append((b"ratelimit", _left(verdict)))
            await send(message)

        if verdict.allowed:
            await self._app(scope, receive, send_counted)
            return
        await send_refusal(TooManyRequests(retry_after=verdict.retry_after), scope, receive, send_counted)


def _left(verdict: Verdict) -> bytes:
    return f'"requests";r={verdict.remaining};t={verdict.reset_after}'.encode()
