"""Clients that hold a connection and send or read almost nothing."""

import asyncio
import select
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from tests.attacks.server import API, AttackedServer

TRICKLE_INTERVAL = 2.0
"""Seconds between two bytes of a slow client."""
SLOW_READER_SECONDS = 45.0
"""Seconds for which a slow reader reads nothing once it could: longer than the server waits for it."""
PER_ADDRESS = 50
CONNECT_CONCURRENCY = 100
"""Connections that are opened at a time, so that the system's listen queue does not overflow."""
SlowClient = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends nothing."""


async def slow_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a request line, and then a byte of a header at intervals."""
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    await _trickle(writer)


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announces a short body, and sends a byte of it at intervals."""
    head = "Host: x\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n{"
    writer.write(f"POST {API}/auth/login HTTP/1.1\r\n{head}".encode())
    await _trickle(writer)


def slow_reader(path: str, token: str) -> SlowClient:
    """Requests `path` and reads nothing of the response for SLOW_READER_SECONDS after it began to arrive.

    A busy server begins hundreds of responses later; it closes a connection without a packet if the client's window is
    zero, so the client notices this only when it reads.
    """

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        while not _is_readable(writer.get_extra_info("socket").fileno()):  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        await asyncio.sleep(SLOW_READER_SECONDS)
        writer.transport.resume_reading()  # type: ignore[attr-defined]

    return client


def _is_readable(descriptor: int) -> bool:
    look = select.poll()
    look.register(descriptor, select.POLLIN)
    return bool(look.poll(0))


def listener(path: str, token: str) -> SlowClient:
    """Listens to a stream of events."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())

    return client


async def outcomes(
    server: AttackedServer,
    clients: Sequence[SlowClient],
    addresses: Sequence[str],
    seconds: float,
    *,
    listens: float | None = None,
) -> Counter[str]:
    """Returns the outcome of each client within `seconds`: `closed`, `reset`, `open`, or the status of the response.

    A client that `listens` stays this number of seconds after its response has begun, however late it did.
    """
    slots = asyncio.Semaphore(CONNECT_CONCURRENCY)
    tasks = [
        _outcome(server, client, addresses[number % len(addresses)], slots, seconds, listens)
        for number, client in enumerate(clients)
    ]
    return Counter(await asyncio.gather(*tasks))


async def _outcome(
    server: AttackedServer,
    client: SlowClient,
    address: str,
    slots: asyncio.Semaphore,
    seconds: float,
    listens: float | None,
) -> str:
    async with slots:
        reader, writer = await _connected(server, address)
    acting = asyncio.ensure_future(client(reader, writer))
    received = bytearray()
    try:
        async with asyncio.timeout(seconds) as waiting:
            while piece := await reader.read(65_536):
                if listens is not None and not received:
                    waiting.reschedule(asyncio.get_running_loop().time() + listens)
                received += piece if len(received) < 100 else b""
        end = "closed"
    except TimeoutError:
        end = "open"
    except ConnectionError:
        end = "reset"
    finally:
        acting.cancel()
        writer.transport.abort()
    status = received.split(b" ", 2)[1].decode() if received.startswith(b"HTTP/1.1 ") else ""
    return f"{status} {end}".strip()


async def _connected(
    server: AttackedServer, address: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    connection.bind((address, 0))
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", server.port))
    return await asyncio.open_connection(sock=connection, limit=4_096)


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        await asyncio.sleep(TRICKLE_INTERVAL)
        writer.write(b" ")
