"""Limits the concurrent requests of each address, so that no client uses up the capacity for all others."""

from litestar.types import HTTPScope, Receive, Send

from mechshare.domain.addresses import limited_address
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.protocol.client_address import (
    ClientAddresses,
    client_address_of,
)
from mechshare.entrypoints.http.protocol.errors import (
    RETRY_SOON,
    TooManyStreams,
    TooManyUnfinished,
    send_refusal,
)
from mechshare.entrypoints.http.protocol.layers import HttpApp

MAX_REQUESTS = 256
"""Concurrent requests of any kind, per address and server process."""
MAX_BODIES = 64
"""Concurrent requests with a method that allows a body, per address and server process."""
MAX_STREAMS = 64
"""Concurrent event streams, per address and server process."""
MAX_STREAMS_OF_ALL = 2_000
"""Concurrent event streams of all addresses, per server process."""
_WITHOUT_BODY = frozenset(("GET", "HEAD", "OPTIONS"))


class ConcurrencyLimitMiddleware:
    """Refuses requests above the limits of an address (429), and streams above the limit of the process (503).

    Forwarded requests count for the address that the trusted proxy names; its own requests have no limit per address.
    """

    def __init__(self, app: HttpApp, addresses: ClientAddresses, stream_suffixes: tuple[str, ...]) -> None:
        """A GET of a path that ends with one of `stream_suffixes` counts as an event stream."""
        self._app = app
        self._addresses = addresses
        self._stream_suffixes = stream_suffixes
        self._requests = _Tally(MAX_REQUESTS)
        self._bodies = _Tally(MAX_BODIES)
        self._streams = _Tally(MAX_STREAMS, MAX_STREAMS_OF_ALL)

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        address = self._limited_address(scope)
        if refusal := self._requests.enter(address):
            await send_refusal(refusal, scope, receive, send)
            return
        try:
            if scope["method"] not in _WITHOUT_BODY:
                await self._run(self._bodies, address, scope, receive, send)
            elif scope["path"].endswith(self._stream_suffixes):
                await self._run(self._streams, address, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._requests.release(address)

    async def _run(
        self, tally: "_Tally", address: str, scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        if refusal := tally.enter(address):
            await send_refusal(refusal, scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            tally.release(address)

    def _limited_address(self, scope: HTTPScope) -> str:
        """Returns the address to count; "" for a request that a trusted proxy itself made."""
        address = client_address_of(scope)
        return "" if self._addresses.is_trusted(address) else limited_address(address)


class _Tally:
    """Counts concurrent requests of one kind by address. The address "" counts towards the total only."""

    def __init__(self, limit: int, limit_of_all: float = float("inf")) -> None:
        self._limit = limit
        self._limit_of_all = limit_of_all
        self._counts: dict[str, int] = {}
        self._total = 0

    def enter(self, address: str) -> DomainException | None:
        """Counts one more request, or returns the refusal. The caller calls `release` only after None."""
        count = self._counts.get(address, 0)
        if count >= self._limit and address:
            return TooManyUnfinished(limit=self._limit, retry_after=RETRY_SOON)
        if self._total >= self._limit_of_all:
            return TooManyStreams()
        self._counts[address] = count + 1
        self._total += 1
        return None

    def release(self, address: str) -> None:
        self._total -= 1
        count = self._counts[address] - 1
        if count:
            self._counts[address] = count
        else:
            del self._counts[address]
