"""Limits the request rate of each address: the RateLimit fields, and 429 above the limit."""

from litestar.types import HTTPScope, Receive, Send

from mechshare.application import Application
from mechshare.domain.addresses import limited_address
from mechshare.domain.errors import TooManyRequests
from mechshare.domain.rate_limits import Verdict
from mechshare.entrypoints.http.protocol.client_address import client_address_of
from mechshare.entrypoints.http.protocol.errors import send_refusal
from mechshare.entrypoints.http.protocol.layers import Field, HttpApp, add_to_response

_FREE = "/health/"


class RateLimitMiddleware:
    """Counts the requests of each address and reports how many are left (draft-ietf-httpapi-ratelimit-headers)."""

    def __init__(self, app: HttpApp, application: Application) -> None:
        self._app = app
        self._limits = application.rate_limits
        quota = application.rate_limits.quota
        self._policy = f'"{quota.name}";q={quota.amount};w={quota.seconds}'.encode()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
            return
        verdict = await self._limits.count_request(limited_address(client_address_of(scope)))
        add_to_response(scope, (b"ratelimit-policy", self._policy), rate_limit_field(verdict))
        if verdict.allowed:
            await self._app(scope, receive, send)
        else:
            await send_refusal(TooManyRequests(retry_after=verdict.retry_after), scope, receive, send)


def rate_limit_field(verdict: Verdict) -> Field:
    """Returns the RateLimit field, which says how many requests are left."""
    return (b"ratelimit", b'"requests";r=%d;t=%d' % (verdict.remaining, verdict.reset_after))
