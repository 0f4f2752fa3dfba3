"""HTTP transports that send a request again which a busy server refused (503 with Retry-After), as any client should.

A test that expects a refusal itself uses a client without them.
"""

import asyncio
import time

import httpx

MAX_SECONDS = 60.0
"""Seconds after which the refusal is returned."""


class Retrying(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        ends = time.monotonic() + MAX_SECONDS
        while pause := _pause_after(response := super().handle_request(request), ends):
            response.close()
            time.sleep(pause)
        return response


class AsyncRetrying(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ends = time.monotonic() + MAX_SECONDS
        while pause := _pause_after(response := await super().handle_async_request(request), ends):
            await response.aclose()
            await asyncio.sleep(pause)
        return response


def _pause_after(response: httpx.Response, ends: float) -> float:
    """Returns the seconds until the next attempt, or 0 if this response is the last."""
    if response.status_code != 503 or time.monotonic() > ends:
        return 0.0
    return float(response.headers.get("retry-after", 0))
