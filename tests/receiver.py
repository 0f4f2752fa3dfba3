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
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(self.header(head, "Content-Length"))
        self.requests.append((head, await reader.readexactly(length)))
        status = head.split(b" ")[1].rpartition(b"/")[2]
        location = b"Location: " + self.url.encode() + b"/200\r\n"
        default = b"HTTP/1.1 " + status + b" Status\r\n" + location + b"Content-Length: 0\r\n\r\n"
        writer.write(default if self.response is None else self.response)
        if self.response != b"":
            writer.close()

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
