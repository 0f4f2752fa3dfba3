"""Requests at a fixed rate, however long the responses take.

A request counts from the moment at which it was due, so that the wait behind a slow response is part of the latency
(no coordinated omission).
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import quantiles
from urllib.parse import urlsplit

from bench.load import CONNECTIONS

_TICK = 0.002
"""Seconds between two looks at what is due."""
_DRAIN_TIMEOUT = 60.0
"""Seconds within which the last responses arrive."""


@dataclass(slots=True)
class Stream:
    """`rate` requests per second, taken from `requests` (whole HTTP/1.1 messages); the results are added here.

    The stream ends early with its last request. `latencies` are in seconds. `statuses` counts the responses by status.
    `bodies` are the responses' bodies, only with `keeps_bodies`.
    """

    rate: float
    requests: Iterable[bytes]
    keeps_bodies: bool = False
    bodies: list[bytes] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def p50(self) -> float:
        """The median latency in ms; 0 without requests."""
        return self._percentile(50)

    @property
    def p99(self) -> float:
        return self._percentile(99)

    def _percentile(self, percent: int) -> float:
        if len(self.latencies) < 2:
            return 0.0
        return 1000 * quantiles(self.latencies, n=100)[percent - 1]


def message(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Returns a request as it is sent."""
    fields = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(address: str, streams: Sequence[Stream], seconds: float) -> None:
    """Sends the streams side by side for `seconds`, then waits for the last responses. Raises TimeoutError, OSError."""
    asyncio.run(_run(address, streams, seconds))


async def _run(address: str, streams: Sequence[Stream], seconds: float) -> None:
    await asyncio.gather(*(_Sender(stream).run(address, seconds) for stream in streams))


class _Sender:
    """Sends one stream over CONNECTIONS connections; what finds none free waits its turn."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._is_idle = asyncio.Event()
        """Set while no request waits and no connection is in use."""

    async def run(self, address: str, seconds: float) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "", place.port or 0
        try:
            for _ in range(CONNECTIONS if self._stream.rate else 0):
                await self._connect()
            await self._send(seconds)
            self._start()
            async with asyncio.timeout(_DRAIN_TIMEOUT):
                await self._is_idle.wait()
        finally:
            self._idle.clear()
            for connection in self._all:
                connection.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        self._all.add(connection)
        self._idle.append(connection)
        self._start()

    async def _send(self, seconds: float) -> None:
        begun, sent, requests = time.monotonic(), 0, iter(self._stream.requests)
        while (now := time.monotonic() - begun) < seconds:
            due = max(0, math.ceil(now * self._stream.rate) - sent)
            taken = list(islice(requests, due))
            self._waiting.extend(
                (begun + (sent + number) / self._stream.rate, request) for number, request in enumerate(taken)
            )
            sent += len(taken)
            self._start()
            if len(taken) < due:
                return
            await asyncio.sleep(_TICK)

    def _start(self) -> None:
        while self._waiting and self._idle:
            due, request = self._waiting.popleft()
            self._idle.pop().send(due, request)
        if self._waiting or len(self._idle) < len(self._all):
            self._is_idle.clear()
        else:
            self._is_idle.set()

    def done(self, connection: "_Connection", due: float, status: int, body: bytes) -> None:
        self._stream.latencies.append(time.monotonic() - due)
        if self._stream.keeps_bodies:
            self._stream.bodies.append(body)
        self._stream.statuses[status] = self._stream.statuses.get(status, 0) + 1
        self._idle.append(connection)
        self._start()

    def lost(self, connection: "_Connection") -> None:
        """Replaces a connection that the server has closed since it was idle for long."""
        if connection in self._idle:
            self._idle.remove(connection)
            self._all.remove(connection)
            self._connecting.add(asyncio.create_task(self._connect()))


class _Connection(asyncio.Protocol):
    """Sends a request at a time; reads responses that have a Content-Length."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._received = b""
        self._due = 0.0
        self._length = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, due: float, request: bytes) -> None:
        self._due, self._length, self._received = due, -1, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._length < 0:
            head, separator, _ = self._received.partition(b"\r\n\r\n")
            if not separator:
                return
            self._length = len(head) + 4 + _content_length(head)
        if len(self._received) >= self._length:
            body = self._received.partition(b"\r\n\r\n")[2]
            self._sender.done(self, self._due, int(self._received[9:12]), body)

    def connection_lost(self, problem: Exception | None) -> None:
        self._sender.lost(self)

    def close(self) -> None:
        self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0
