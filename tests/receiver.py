"""A receiver of webhooks on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """Responds to each request with the status at the end of its path, or with `response`; keeps what it received."""

    response: bytes | None = None
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The head and the body of each request."""
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._respond(reader))
            if self.response == b"":
                await reader.read()  # until the sender ends the connection
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # what came was no request
        finally:
            writer.close()

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(self.header(head, "Content-Length"))
        self.requests.append((head, await reader.readexactly(length)))
        if self.response is not None:
            return self.response
        status = head.split(b" ")[1].rpartition(b"/")[2]
        location = b"Location: " + self.url.encode() + b"/200\r\n"
        return b"HTTP/1.1 " + status + b" Status\r\n" + location + b"Content-Length: 0\r\n\r\n"

    @staticmethod
    def header(head: bytes, name: str) -> str:
        lines = (line.partition(": ") for line in head.decode().splitlines())
        return next(value for key, _, value in lines if key.lower() == name.lower())


@asynccontextmanager
async def receiving(response: bytes | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(response)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}"
    try:
        yield receiver
    finally:
        server.close()
