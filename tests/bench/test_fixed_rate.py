"""The load at a fixed rate, against a server that closes idle connections."""

import asyncio

from bench.fixed_rate import Stream, message, run

from mechshare.testing.bounds import bounded

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def test_requests_use_no_connection_that_the_server_has_closed() -> None:
    connections: list[asyncio.StreamWriter] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        if await reader.read(1_000):
            writer.write(RESPONSE)
            for connection in connections:
                connection.close()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    stream = Stream(1, [message("GET", "/")] * 3)
    async with bounded(), server:
        await asyncio.to_thread(run, f"http://{host}:{port}", [stream], 3)
        await asyncio.gather(*(connection.wait_closed() for connection in connections))
    assert stream.statuses == {200: 3}
