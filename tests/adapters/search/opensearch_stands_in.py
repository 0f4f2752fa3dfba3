"""Servers that act as a failing OpenSearch: they send the same response to every request, or none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

TLS = "\x16"
"""The first byte that a TLS client sends."""


@dataclass
class StandIn:
    """`requests` holds the head of every request that came in."""

    url: str = ""
    requests: list[str] = field(default_factory=list)


@asynccontextmanager
async def server_that_responds(status: str, body: bytes = b"{}") -> AsyncIterator[StandIn]:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with _serving(head.encode() + body) as stand_in:
        yield stand_in


@asynccontextmanager
async def server_that_is_silent() -> AsyncIterator[StandIn]:
    async with _serving(b"") as stand_in:
        yield stand_in


@asynccontextmanager
async def _serving(response: bytes) -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    conversations = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())
        try:
            while head := await _head(reader):
                stand_in.requests.append(head)
                writer.write(response)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        stand_in.url = f"opensearch://127.0.0.1:{server.sockets[0].getsockname()[1]}/test"
        yield stand_in
    await asyncio.gather(*conversations)


async def _head(reader: asyncio.StreamReader) -> str:
    """Reads the next request and returns its head: for a TLS handshake its first byte, at the end of input ""."""
    try:
        first = await reader.readexactly(1)
        if first == TLS.encode():
            return TLS
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            await reader.readexactly(int(line.partition(":")[2]))
    return head
